/* SPDX-License-Identifier: MIT */
/*
 * Master. A service across its generations: what outlives a pool. A reload replaces the pool, an order like pause
 * applies to the service. An order that takes time refers to a member and never to a pool, because another order may
 * replace or free the pool in the meantime.
 */
#ifndef PREFORKD_FLEET_MEMBER_H
#define PREFORKD_FLEET_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct pool;
struct rolling;
struct waiting;

struct member {
	char *name;
	struct pool *now;	 /* the pool in force; NULL: not opened yet, waiting, or the service was removed */
	struct waiting *waiting; /* owned; NULL: the service does not wait */
	bool paused;		 /* by order: clients wait in the queue and none is served; independent of a drain */
	struct {
		bool is_set;	  /* the service was resized; ends with the next reload */
		int64_t min, max; /* the limits that were ordered */
	} resized;
	const struct rolling *rolling; /* its programs are being replaced; NULL: they are not. Not owned */
	unsigned refs;
	UT_hash_handle hh; /* of the fleet's table, by name */
};

/* The member NAME in TABLE. NULL: there is none. */
struct member *member_find(struct member *table, const char *name);

/* The same, but makes the member if there is none. The table owns one reference. NULL: no memory. */
struct member *member_get(struct member **table, const char *name);

/* Adds a reference, for an order that takes several steps. NULL is allowed. */
struct member *member_ref(struct member *member);

/* Drops a reference; the last one frees the member. *member becomes NULL; NULL is allowed. */
void member_unref(struct member **member);

/* Takes MEMBER out of TABLE and drops the table's reference. */
void member_remove(struct member **table, struct member *member);

/* POOL is in force for MEMBER from now on. The pool takes over that the service is paused, and that it has proved that
 * its workers can start. */
void member_replace(struct member *member, struct pool *pool);

/* Why the service waits (fleet/waiting.h). NULL: it does not. */
const char *member_waits_for(const struct member *member);

#endif
