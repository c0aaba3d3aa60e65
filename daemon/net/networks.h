/* SPDX-License-Identifier: MIT */
/*
 * Any process. Sets of networks: finds the most specific network that a client is in, among 100,000 and more. A set is
 * built once and never changed; a look-up allocates nothing and takes time logarithmic in the size of the set.
 * IPv4-mapped IPv6 addresses are treated as the IPv4 addresses that they stand for.
 */
#ifndef PREFORKD_NET_NETWORKS_H
#define PREFORKD_NET_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/network.h"

struct arena;
struct sockaddr_any;
struct unix_peer;
struct networks; /* opaque */

/* One entry of a set. Among entries with the same network the one with the highest rank counts, then the first. */
struct networks_entry {
	struct network network;
	uint32_t value; /* the result of a look-up */
	int rank;
};

/* A new set, which lives as long as ARENA; never NULL. N is less than UINT32_MAX. The entries may be freed afterwards.
 */
struct networks *networks_new(struct arena *arena, const struct networks_entry *entries, size_t n);

/*
 * The value of the most specific network that PEER is in; -1: none, or SET is NULL. CRED is of a unix client; with NULL
 * only "unix:" matches a unix client. uid and gid together are more specific than uid alone, uid more than gid.
 */
int64_t networks_find(const struct networks *set, const struct sockaddr_any *peer, const struct unix_peer *cred);

/* True if both sets have the same networks with the same values. */
bool networks_equal(const struct networks *a, const struct networks *b);

#endif
