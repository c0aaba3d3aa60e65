/* SPDX-License-Identifier: MIT */
/*
 * Listeners that somebody handed to this process (sd_listen_fds(3)): a set of named descriptors,
 * claimed by name or by address. What nobody claims is left over, to be named and closed.
 */
#ifndef PREFORKD_NET_INHERITED_H
#define PREFORKD_NET_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "net/addr.h"

struct err;

/* What the name of a descriptor begins with that the service manager only keeps for us (the fd store). */
#define INHERITED_STORED "stored."

struct inherited {
	int fd; /* -1 once claimed */
	char *name;
	struct sockaddr_any addr; /* len 0: no socket that we serve */
	bool datagram;
	bool stored;	   /* ours alone, but for the keeping */
	const char *unfit; /* why it cannot be used; NULL: it can */
};

struct inherited_set {
	struct inherited *items;
	size_t n;
};

/* Takes LISTEN_FDS over and removes the variables, so that nothing started later takes them again. */
int inherited_import(struct inherited_set *set, struct err *err);

/* The next unclaimed socket of that name, or of that address and kind, which the caller then owns; -1: none.
 * *addr_out is where it listens. */
int inherited_by_name(struct inherited_set *set, const char *name, struct sockaddr_any *addr_out, bool *datagram_out);
int inherited_by_addr(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram);

/* The next unclaimed one that was kept for us, of that address and, for IPv6, with IPV6_V6ONLY as said; the two above
 * pass over it. NAME_OUT (SIZE bytes) is its name in the store. */
int inherited_stored(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram, bool v6only,
		     char *name_out, size_t size);

/* Closes what is left. */
void inherited_clear(struct inherited_set *set);

#endif
