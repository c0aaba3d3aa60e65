/* SPDX-License-Identifier: MIT */
/*
 * Networks, and sets of them: which of a hundred thousand does a client come from, and which of those is the most
 * specific. A set is laid once and never changed; looking something up allocates nothing and takes time that
 * grows with the logarithm of the set. IPv4-mapped IPv6 addresses are the IPv4 addresses that they stand for.
 */
#ifndef PREFORKD_NET_NETWORKS_H
#define PREFORKD_NET_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct sockaddr_any;

enum network_kind { NETWORK_IP4, NETWORK_IP6, NETWORK_UNIX };

/* One network: of addresses, or of processes that connect to a unix socket. */
struct network {
	enum network_kind kind;
	uint8_t address[16];   /* network order, 4 or 16 of them; bits beyond the prefix are zero */
	uint8_t bits;	       /* of the prefix */
	bool has_uid, has_gid; /* unix: neither means every client of a unix socket */
	uid_t uid;
	gid_t gid;
};

/*
 * "192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1", "::ffff:10.0.0.0/104" (is 10.0.0.0/8), "unix:",
 * "unix:uid=0", "unix:gid=33", "unix:uid=1000/gid=100". USER and GROUP are numbers here or names that *LOOKUP knows.
 * An address with bits set beyond its prefix is an error that says what was probably meant. No zone, no name of a host.
 */
struct network_names { /* NULL members, or a NULL struct: names are errors */
	int (*uid)(const char *name, uid_t *out, struct err *err);
	int (*gid)(const char *name, gid_t *out, struct err *err);
};
int network_parse(const char *text, const struct network_names *names, struct network *out, struct err *err);

/* Who a client of a unix socket is (SO_PEERCRED, SO_PEERGROUPS). */
struct unix_peer {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* the supplementary ones; theirs is the memory, which is kept from one client to the next */
	size_t n_groups;
	size_t room; /* of groups: so many fit */
};

struct networks; /* opaque */

/* One entry of a set. VALUE is what a look-up returns. Of two entries with the same network the one with the higher
 * RANK counts, and of those the first. */
struct networks_entry {
	struct network network;
	uint32_t value;
	int rank;
};

/* A set of them; NULL: no memory. Entries may be freed afterwards. */
struct networks *networks_new(const struct networks_entry *entries, size_t n);
void networks_free(struct networks **set);

/* The value of the most specific network that the client is in; -1: none, or SET is NULL. CRED is of a unix client,
 * or NULL (then only "unix:" matches it). Unix: uid and gid together are more specific than uid, uid than gid. */
int64_t networks_find(const struct networks *set, const struct sockaddr_any *peer, const struct unix_peer *cred);

/* The same networks with the same values. */
bool networks_equal(const struct networks *a, const struct networks *b);

/* Reads SO_PEERCRED and SO_PEERGROUPS of a connected unix socket, with all groups; -1 with errno. PEER was zero before
 * it was first used, and is used again for the next one. */
int unix_peer_get(int fd, struct unix_peer *peer);
/* Room for N groups; -1: no memory. */
int unix_peer_grow(struct unix_peer *peer, size_t n);
void unix_peer_clear(struct unix_peer *peer);

#endif
