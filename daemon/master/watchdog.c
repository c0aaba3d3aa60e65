/* SPDX-License-Identifier: MIT */
#include "master/watchdog.h"

#include <stdint.h>
#include <systemd/sd-daemon.h>

#include "base/notify.h"

static uint64_t interval_usec;

/* sd_event_set_watchdog() would block when systemd does not read; notify_send() does not. */
static int on_watchdog_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	(void)userdata;
	notify_send("WATCHDOG=1");
	(void)sd_event_source_set_time_relative(source, interval_usec);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int watchdog_start(sd_event *event)
{
	uint64_t allowed;

	/* The variables are kept, for the next image of this program. */
	if (sd_watchdog_enabled(0, &allowed) <= 0)
		return 0;
	interval_usec = allowed / 2;
	/* The first message is sent at once, because the start may have taken long. */
	return sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 0, interval_usec / 10, on_watchdog_time, NULL);
}
