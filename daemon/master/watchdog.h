/* SPDX-License-Identifier: MIT */
/* Master. Tells systemd that the loop still runs, if its unit has WatchdogSec= (sd_watchdog_enabled(3)). */
#ifndef PREFORKD_MASTER_WATCHDOG_H
#define PREFORKD_MASTER_WATCHDOG_H

#include <systemd/sd-event.h>

/* Adds a timer to EVENT, at half of the time that systemd allows. 0: it was added, or systemd does not ask for it;
 * -errno: no resources. */
int watchdog_start(sd_event *event);

#endif
