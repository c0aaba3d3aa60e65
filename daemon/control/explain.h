/* SPDX-License-Identifier: MIT */
/* Master. Would a client be admitted now, and why: the decision of the workers, without its effects. */
#ifndef PREFORKD_CONTROL_EXPLAIN_H
#define PREFORKD_CONTROL_EXPLAIN_H

#include <jansson.h>
#include <stddef.h>

#include "net/addr.h"
#include "net/unix_peer.h"

struct err;
struct operations;

/* The client in question. */
struct explain_client {
	struct sockaddr_any peer;
	struct unix_peer cred; /* of a unix client; the caller ends it by unix_peer_clear() */
};

/*
 * TEXT is "192.0.2.7", "2001:db8::7", "unix:uid=1000" or "unix:uid=1000/gid=100"; users and groups are numbers. -1 and
 * *err: TEXT is none of these, or a network that contains more than one client.
 */
int explain_parse(const char *text, struct explain_client *out, struct err *err);

/* Adds the groups of LIST, which are numbers, to a unix client; anything else in LIST is ignored. */
void explain_groups(const json_t *list, struct explain_client *client);

/* {"address", "services": [...]}, see preforkctl(8): all services, or only the service NAME (NULL: all). */
json_t *explain_json(const struct operations *ops, const char *name, const char *address,
		     const struct explain_client *client);

#endif
