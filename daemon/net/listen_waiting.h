/* SPDX-License-Identifier: MIT */
/*
 * Master. The clients in the queue of a listener, one by one. Two looks tell whether anybody accepts, which the length
 * of the queue does not: under a steady load it is the same at each look. A look goes through all connections of the
 * host (some ms), so it is for a queue that is suspected only.
 */
#ifndef PREFORKD_NET_LISTEN_WAITING_H
#define PREFORKD_NET_LISTEN_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listen_waiting {
	uint64_t *ids; /* owned */
	size_t n;
	bool in_order; /* unix: the oldest first, 0 for a client that has gone; TCP: sorted, without those */
	bool served;   /* some connection of the listener has been accepted and is open */
};

/* FD listens for connections. -1: the kernel does not tell, or there is no memory. */
int listen_waiting_look(int fd, struct listen_waiting *out);

void listen_waiting_free(struct listen_waiting *waiting);

enum listen_taking {
	TAKING_UNKNOWN,
	TAKING_NONE, /* nobody has accepted between the looks, and nobody serves a client */
	TAKING_SOME,
};

/* Judges by two looks at one listener, BEFORE and AFTER. Nobody but a client that resets its connection can make the
 * answer TAKING_UNKNOWN where clients wait and nobody accepts. */
enum listen_taking listen_waiting_compare(const struct listen_waiting *before, const struct listen_waiting *after);

#endif
