/* SPDX-License-Identifier: MIT */
/*
 * Master. The graceful end: no new clients, serve those that are queued, let the running ones finish, and cut what is
 * left when a service's timeouts.drain is over.
 */
#ifndef PREFORKD_CHANGE_STOP_H
#define PREFORKD_CHANGE_STOP_H

#include "change/operation.h"

/* Whether the daemon comes back at once: its listeners, which the service manager keeps, are left as they are then. */
enum stop_kind { STOP_FOR_GOOD, STOP_AS_SYSTEMD_SAYS };

/* Begins it, and gives up all other operations; the loop ends with STATUS (sysexits.h) when the last worker has gone.
 * A stop that runs already goes on. */
void stop_begin(struct operations *ops, enum stop_kind kind, int status);

/* SIGTERM or SIGINT: the first one asks for a stop, or joins one that was ordered; the second one means now. */
void stop_signal(struct operations *ops);

/* No more patience: every client is cut now, with WHY in the log. */
void stop_now(struct operations *ops, const char *why);

/* The listeners that the service manager keeps are not closed with the rest: the daemon that it starts next gets them.
 */
void stop_leave_listeners(struct fleet *fleet);

#endif
