/* SPDX-License-Identifier: MIT */
/*
 * Worker. The part of the deadlines that runs in signal handlers: the timer's own, and those of worker/orders.c. Every
 * function here is async-signal-safe; deadline_look.c lists the calls that they make.
 */
#ifndef PREFORKD_SERVICES_DEADLINE_LOOK_H
#define PREFORKD_SERVICES_DEADLINE_LOOK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "services/deadline_limits.h"

/* The handler of SIGALRM: cuts the connection if a limit has passed, else sets the timer for the next look. */
void deadline_look_on_alarm(int sig, siginfo_t *info, void *context);

/* Sets the timer so that it fires at AT_MS (base/clock.h; 0: never), or earlier if it is set so already. */
void deadline_look_no_later(int64_t at_ms);

/* Ends the connection FD because of WHAT (DEADLINE_NONE: an order): by a reset if deadline_init() was told so and the
 * client could take a plain end for the end of an answer. */
void deadline_look_end(int fd, enum deadline_kind what);

/* Has the client sent its first byte, as far as can be told? Asks the kernel if need be. */
bool deadline_look_is_greeted(void);

/*
 * Another client needs this worker: cuts the connection if the client has sent nothing yet and the service waits for
 * its first byte. EVICT_DONE: the connection is cut, now or before. EVICT_GREETED: the client has sent something.
 * EVICT_LATER: it cannot be told at the moment; ask again.
 */
enum deadline_evict { EVICT_DONE, EVICT_GREETED, EVICT_LATER };
enum deadline_evict deadline_look_evict(void);

/*
 * The worker must leave now: cuts the connection, and each later one. ORPHAN: the master is gone, so nobody will kill
 * this process if its service does not return; it ends itself after DEADLINE_ORPHAN_MS.
 */
#define DEADLINE_ORPHAN_MS 500
void deadline_look_cut(bool orphan);

#endif
