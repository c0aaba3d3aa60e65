/* SPDX-License-Identifier: MIT */
/*
 * The master's orders, which come as signals while the worker blocks in accept(2), or is just about to.
 * A flag alone would be lost in that moment; so the handler also lays a dead descriptor over the worker's own copy
 * of the listener: a wait in accept ends with EINTR, a later call with ENOTSOCK, and the socket itself, which
 * the others share, is not touched. No SA_RESTART, for the same reason.
 */
#ifndef PREFORKD_WORKER_ORDERS_H
#define PREFORKD_WORKER_ORDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct board;
struct board_slot;

/* Who orders, and where the answers go. */
struct orders {
	pid_t master;	     /* the pid of our parent */
	struct board *board; /* may be NULL: then nobody is evicted */
	int ring;
	struct board_slot *slot; /* told becomes 1 when this worker has heard that it is to leave */
};

/* Installs the handlers; signals stay blocked. DEAD is from fd_dead(). What ORDERS points to stays. */
void orders_init(int listener, int dead, const struct orders *orders);

/* No further client is to be taken. */
bool orders_to_leave(void);

#endif
