/* SPDX-License-Identifier: MIT */
/*
 * Master. Listeners that the service manager passed to this process (sd_listen_fds(3)): a set of named descriptors,
 * which are claimed by name or by address. The master logs and closes those that are left over.
 */
#ifndef PREFORKD_NET_INHERITED_H
#define PREFORKD_NET_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "net/addr.h"

struct err;

/* Prefix of the names of descriptors that the service manager keeps for us (the fd store). */
#define INHERITED_STORED "stored."

struct inherited {
	int fd; /* -1 once claimed */
	char *name;
	struct sockaddr_any addr; /* len 0: unknown */
	bool datagram;
	bool stored;	   /* from the fd store: it was ours before */
	const char *unfit; /* why it cannot be used; NULL: it can be used */
};

struct inherited_set {
	struct inherited *items;
	size_t n;
};

/* To be called before anything else is opened: closes descriptors that the process has inherited, from 3 on, except
 * those of LISTEN_FDS. A fifo or a lock of the starter would stay open as long as the daemon runs. -1 and *err. */
int inherited_close_others(struct err *err);

/* Takes the descriptors of LISTEN_FDS, and removes the variables so that no program started later takes them, too. */
int inherited_import(struct inherited_set *set, struct err *err);

/* Claims the next socket with that name, or with that address and kind; the caller owns it then. -1: there is none.
 * *addr_out is its address. */
int inherited_by_name(struct inherited_set *set, const char *name, struct sockaddr_any *addr_out, bool *datagram_out);
int inherited_by_addr(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram);

/* Claims the next socket from the fd store with that address and, for IPv6, that IPV6_V6ONLY; the two functions above
 * skip such sockets. NAME_OUT (SIZE bytes) is its name in the store. */
int inherited_stored(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram, bool v6only,
		     char *name_out, size_t size);

/* Closes the descriptors that were not claimed. */
void inherited_clear(struct inherited_set *set);

#endif
