/* SPDX-License-Identifier: MIT */
/*
 * The graceful end: no new clients, serve those that are queued, let the running ones finish, and cut what is left
 * when a service's timeouts.drain is over.
 */
#ifndef PREFORKD_CHANGE_STOP_H
#define PREFORKD_CHANGE_STOP_H

struct master;

/* Whether the daemon comes back at once: its listeners, which the service manager keeps, are left as they are then. */
enum stop_kind { STOP_FOR_GOOD, STOP_AS_SYSTEMD_SAYS };

/* Begins it; the loop ends with STATUS when the last worker has gone. */
void stop_begin(struct master *master, enum stop_kind kind, int status);

/* What the service manager keeps is not closed with the rest, for the daemon that it starts next. */
void stop_leave_listeners(struct master *master);

/* No more patience: every client is cut now. */
void stop_now(struct master *master, const char *why);

/* Whatever can be done at the moment; called when a worker has gone, and by a timer. */
void stop_step(struct master *master);

#endif
