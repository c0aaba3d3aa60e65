/* SPDX-License-Identifier: MIT */
/* Any process. One network as people write it: of IP addresses, or of the processes that connect to a unix socket. */
#ifndef PREFORKD_NET_NETWORK_H
#define PREFORKD_NET_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum network_kind { NETWORK_IP4, NETWORK_IP6, NETWORK_UNIX };

struct network {
	enum network_kind kind;
	uint8_t address[16];   /* in network order, 4 or 16 bytes; bits beyond the prefix are zero */
	uint8_t bits;	       /* of the prefix */
	bool has_uid, has_gid; /* NETWORK_UNIX: neither means every client of a unix socket */
	uid_t uid;
	gid_t gid;
};

/* Look-ups of user and group names; NULL members, or a NULL struct: a name is an error. */
struct network_names {
	int (*uid)(const char *name, uid_t *out, struct err *err);
	int (*gid)(const char *name, gid_t *out, struct err *err);
};

/*
 * "192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1", "::ffff:10.0.0.0/104" (the same as 10.0.0.0/8), "unix:",
 * "unix:uid=0", "unix:gid=33", "unix:uid=1000/gid=100". A user or group is a number or a name that *NAMES knows.
 * An address with bits set beyond its prefix is an error; its text names the network that was probably meant.
 * Zones and host names are errors.
 */
int network_parse(const char *text, const struct network_names *names, struct network *out, struct err *err);

#endif
