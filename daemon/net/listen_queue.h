/* SPDX-License-Identifier: MIT */
/* Master. The queue of a listener: connections that wait to be accepted. Changes nothing and never blocks. */
#ifndef PREFORKD_NET_LISTEN_QUEUE_H
#define PREFORKD_NET_LISTEN_QUEUE_H

#include <stdint.h>

struct listen_queue {	/* -1: not known */
	int64_t queued; /* connections that wait to be accepted */
	int64_t limit;	/* the backlog in force */
	int64_t drops;	/* packets of clients that this listener has dropped; unix sockets: -1 */
};

/*
 * For a listener of any family; -1 only if FD is no listener. For AF_UNIX it asks through netlink, and the kernel
 * searches all unix sockets of the host: 12 us among 1000. Not for workers.
 */
int listen_queue(int fd, struct listen_queue *out);

#endif
