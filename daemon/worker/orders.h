/* SPDX-License-Identifier: MIT */
/*
 * Worker. The master's orders: signals. An order may come just before the worker calls accept(2); a flag alone would
 * not end that call. So the handler also replaces the worker's copy of the listener by a dead descriptor: an accept(2)
 * that blocks ends with EINTR, a later one fails with ENOTSOCK, and the socket, which all workers share, is not
 * touched. For the same reason the handlers do not use SA_RESTART.
 */
#ifndef PREFORKD_WORKER_ORDERS_H
#define PREFORKD_WORKER_ORDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct board;
struct board_slot;

/* Where the orders come from, and where the worker answers. */
struct orders {
	pid_t master;		 /* other senders of WORKER_SIGNAL_CUT and WORKER_SIGNAL_EVICT are ignored */
	struct board *board;	 /* NULL: orders to evict are ignored */
	int ring;		 /* the eventfd of the board */
	struct board_slot *slot; /* its has_heard becomes 1 with the order to leave */
};

/* Installs the handlers; the signals stay blocked. DEAD is from fd_dead(). *ORDERS is copied; what it points to must
 * last. */
void orders_init(int listener, int dead, const struct orders *orders);

/* The worker has been ordered to leave: it must not accept another client. */
bool orders_to_leave(void);

#endif
