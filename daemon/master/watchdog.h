/* SPDX-License-Identifier: MIT */
/* Tells systemd that the loop still turns, where it asks for that (WatchdogSec=, sd_watchdog_enabled(3)). */
#ifndef PREFORKD_MASTER_WATCHDOG_H
#define PREFORKD_MASTER_WATCHDOG_H

#include <systemd/sd-event.h>

/* Adds a timer to EVENT at half the time that systemd allows. Returns as sd-event's functions do. */
int watchdog_start(sd_event *event);

#endif
