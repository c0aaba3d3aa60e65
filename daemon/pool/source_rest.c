/* SPDX-License-Identifier: MIT */
#include "pool/source_rest.h"

#include <time.h>

#define ACCURACY_US 100

/* Turning a source on may fail, for lack of memory in the kernel: then the rest goes on. */
static int on_rested(sd_event_source *timer, uint64_t usec, void *userdata)
{
	(void)usec;
	if (sd_event_source_set_enabled(userdata, SD_EVENT_ON) >= 0)
		return 0;
	(void)sd_event_source_set_time_relative(timer, SOURCE_REST_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void source_rest(sd_event_source *source, sd_event_source **timer)
{
	int rc;

	if (*timer == NULL)
		rc = sd_event_add_time_relative(sd_event_source_get_event(source), timer, CLOCK_MONOTONIC,
						SOURCE_REST_US, ACCURACY_US, on_rested, source);
	else
		rc = sd_event_source_set_time_relative(*timer, SOURCE_REST_US);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(*timer, SD_EVENT_ONESHOT);
	if (rc >= 0)
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}
