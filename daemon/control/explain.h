/* SPDX-License-Identifier: MIT */
/* Would this client get in now, and what does that hang on: the workers' decision, asked without taking anything. */
#ifndef PREFORKD_CONTROL_EXPLAIN_H
#define PREFORKD_CONTROL_EXPLAIN_H

#include <jansson.h>
#include <stddef.h>

#include "net/addr.h"
#include "net/networks.h"

struct err;
struct master;
struct pool;

/* A client that nobody has seen yet. */
struct explain_client {
	struct sockaddr_any peer;
	struct unix_peer cred; /* of a unix client; unix_peer_clear() in the end */
};

/*
 * "192.0.2.7", "2001:db8::7", "unix:uid=1000", "unix:uid=1000/gid=100", with numbers. -1: TEXT is no such thing, or a
 * network with more than one client in it.
 */
int explain_parse(const char *text, struct explain_client *out, struct err *err);

/* More groups of a unix client: a list of numbers; what is none is left out. */
void explain_groups(const json_t *list, struct explain_client *client);

/* {"address", "services": [...]}: of all services, or of POOL's alone (NULL: all). See preforkctl(8). */
json_t *explain_json(const struct master *master, const struct pool *pool, const char *address,
		     const struct explain_client *client);

#endif
