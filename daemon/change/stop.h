/* SPDX-License-Identifier: MIT */
/*
 * Master. The stop of the daemon: it takes no new clients, serves those that are queued, lets those that are connected
 * finish, and cuts them when timeouts.drain of their service is over.
 */
#ifndef PREFORKD_CHANGE_STOP_H
#define PREFORKD_CHANGE_STOP_H

#include "change/operation.h"

/* STOP_AS_SYSTEMD_SAYS: systemd is asked whether it restarts the daemon. If so, the listeners that it keeps are left as
 * they are, and clients wait in their queues. */
enum stop_kind { STOP_FOR_GOOD, STOP_AS_SYSTEMD_SAYS };

/* Begins the stop, and ends all other operations. The loop ends with STATUS (sysexits.h) when the last worker has
 * ended. If a stop runs already, nothing happens. */
void stop_begin(struct operations *ops, enum stop_kind kind, int status);

/* SIGTERM or SIGINT: the first signal begins a stop, or joins one that was ordered. The second one cuts all clients. */
void stop_signal(struct operations *ops);

/* Cuts every client at once. WHY is for the log. */
void stop_now(struct operations *ops, const char *why);

/* Leaves the listeners that the service manager keeps open when pools are freed: it gives them to the next daemon. */
void stop_leave_listeners(struct fleet *fleet);

#endif
