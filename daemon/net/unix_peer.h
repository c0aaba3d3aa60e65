/* SPDX-License-Identifier: MIT */
/* Any process. The user and the groups of the process at the other end of a unix socket. */
#ifndef PREFORKD_NET_UNIX_PEER_H
#define PREFORKD_NET_UNIX_PEER_H

#include <stddef.h>
#include <sys/types.h>

struct unix_peer {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; owned, and kept from one client to the next */
	size_t n_groups;
	size_t room; /* capacity of `groups` */
};

/*
 * Reads SO_PEERCRED and SO_PEERGROUPS (all groups) of a connected unix socket; -1 with errno. *PEER is zero before its
 * first use and can be used again for the next client.
 */
int unix_peer_get(int fd, struct unix_peer *peer);

/* Makes room for N groups; -1: no memory. */
int unix_peer_grow(struct unix_peer *peer, size_t n);

/* Frees the groups; uid and gid become -1. */
void unix_peer_clear(struct unix_peer *peer);

#endif
