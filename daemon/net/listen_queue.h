/* SPDX-License-Identifier: MIT */
/* The queue of a listener: who has connected and waits to be accepted. Asks only, changes nothing.
 */
#ifndef PREFORKD_NET_LISTEN_QUEUE_H
#define PREFORKD_NET_LISTEN_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct listen_queue {	/* -1: the kernel does not tell */
	int64_t queued; /* connections that wait to be accepted */
	int64_t limit;	/* the backlog in force */
	int64_t drops;	/* packets of clients that this listener has thrown away; unix sockets have
			   none */
};

/*
 * Of a listener of any family; -1 only if FD is none. For AF_UNIX the kernel is asked through
 * netlink, which looks at every unix socket of the host: 12 us among 1000. Who has many listeners
 * asks for all at once. Not for workers.
 */
int listen_queue(int fd, struct listen_queue *out);

/* The same for N listeners, 0.5 us each; a descriptor that is none (-1) is passed over with -1. */
void listen_queues(const int *fds, size_t n, struct listen_queue *out);

#endif
