/* SPDX-License-Identifier: MIT */
/* Master. Finds listeners that clients cannot reach any more, and mends them: a process that has a copy has shut the
 * socket down or connected it, its path was removed, or its interface. */
#ifndef PREFORKD_LISTENERS_LISTENER_MEND_H
#define PREFORKD_LISTENERS_LISTENER_MEND_H

#include <stdbool.h>
#include <stdint.h>

#include "net/listen_look.h"

struct config_service;
struct err;
struct listener;

/* LISTEN_WELL also for a listener that takes no clients by order, or is borrowed. */
enum listen_trouble listener_look(const struct listener *listener);

enum listener_mended {
	LISTENER_NOT_MENDED,
	LISTENER_MENDED, /* the same socket */
	LISTENER_ANEW,	 /* a new socket at the same address: workers that have the former one must leave */
};

/* Mends what listener_look() has found. Not mended, with *err: it was inherited, or its address cannot be bound now;
 * then it is closed, and each later call tries again. Clients in the queue of a socket that was shut down are lost. */
enum listener_mended listener_mend(struct listener *listener, const struct config_service *service, struct err *err);

/* True: a process had called listen(2) on this TCP socket with another backlog, *found_out; it is as before again. Call
 * it for a listener that is well. An inherited one is left as it is: other processes may use it, too. */
bool listener_mend_backlog(struct listener *listener, const struct config_service *service, int64_t *found_out);

#endif
