/* SPDX-License-Identifier: MIT */
/* The part of a set that is about processes: clients of unix sockets, by user and group. For networks.c alone. */
#ifndef PREFORKD_NET_NETWORKS_UNIX_H
#define PREFORKD_NET_NETWORKS_UNIX_H

#include "net/networks.h"

struct unix_network;

struct unix_networks {
	struct unix_network *list; /* sorted */
	size_t n;
};

int unix_networks_lay(struct unix_networks *out, const struct networks_entry *entries, size_t n);
void unix_networks_clear(struct unix_networks *set);
int64_t unix_networks_find(const struct unix_networks *set, const struct unix_peer *cred);
bool unix_networks_equal(const struct unix_networks *a, const struct unix_networks *b);

#endif
