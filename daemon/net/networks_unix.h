/* SPDX-License-Identifier: MIT */
/* Any process. The part of a set of networks that is about clients of unix sockets, by user and group. For networks.c
 * alone, which says what the functions mean. */
#ifndef PREFORKD_NET_NETWORKS_UNIX_H
#define PREFORKD_NET_NETWORKS_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct network;
struct unix_network;
struct unix_peer;

struct networks_unix {
	struct unix_network *list; /* sorted */
	size_t n;
	size_t room; /* capacity of `list` */
};

/* Makes room for N networks, in ARENA, in a set that is still empty. */
void networks_unix_reserve(struct arena *arena, struct networks_unix *set, size_t n);

/* Adds NETWORK, which is of NETWORK_UNIX, into the room that was reserved; ORDER is its place among all entries. */
void networks_unix_add(struct networks_unix *set, const struct network *network, uint32_t value, int rank,
		       uint32_t order);

/* Sorts the set after the last networks_unix_add(), and drops all but one of equal networks. */
void networks_unix_sort(struct networks_unix *set);

int64_t networks_unix_find(const struct networks_unix *set, const struct unix_peer *cred);
bool networks_unix_equal(const struct networks_unix *a, const struct networks_unix *b);

#endif
