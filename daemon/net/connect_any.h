/* SPDX-License-Identifier: MIT */
/*
 * Any process. Connects a socket to the first of several addresses that answers. The attempts are staggered
 * (net/race.h); those that are still under way when one has succeeded are given up. Does not log.
 */
#ifndef PREFORKD_NET_CONNECT_ANY_H
#define PREFORKD_NET_CONNECT_ANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pollfd;
struct sockaddr_any;

#define CONNECT_ANY_MAX 32

struct connect_attempt {
	int code;	   /* errno of its failure; 0: it has not failed */
	int64_t waited_ms; /* from its begin until it failed or the last attempt ended */
};

struct connect_any {
	const struct sockaddr_any *to;	 /* in the order in which they are tried: race_order() */
	size_t n;			 /* from 1 to CONNECT_ANY_MAX */
	int type;			 /* SOCK_STREAM or SOCK_DGRAM */
	int64_t limit_ms;		 /* for all attempts together; 0: none */
	const struct sockaddr_any *from; /* source address of internet sockets; NULL: the kernel's choice */
	/* An event to wait for besides; NULL: none. After each wait STOPPED tells whether to give up. STOPPED may set
	 * WATCH->fd to -1; from then on it is called twice a second at least. */
	struct pollfd *watch;
	bool (*stopped)(void *arg);
	void *arg;
	/* Results: `attempt` has `started` elements. */
	int64_t stagger_ms;    /* between two attempts */
	size_t started, index; /* index: of the address that answered */
	struct connect_attempt attempt[CONNECT_ANY_MAX];
};

/* Blocks until the first address answers, all have failed, the limit has passed or STOPPED returned true. Returns a
 * non-blocking socket. -1 and errno: of the last attempt that failed, ETIMEDOUT (also for the limit), or ECANCELED. */
int connect_any(struct connect_any *any);

/* Binds the internet socket FD to the address FROM; the port is chosen when it connects, so one port can be used
 * towards several peers. 0, or -1 and errno. */
int connect_bind(int fd, const struct sockaddr_any *from);

#endif
