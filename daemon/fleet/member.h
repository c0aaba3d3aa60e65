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
#include <uthash.h>

struct pool;

struct member {
	char *name;
	struct pool *now; /* the pool in force; NULL: the service is not configured (any more), or not opened yet */
	bool paused;	  /* by order: nobody is served, clients wait in the queue; independent of a drain */
	struct {
		bool is_set;	  /* somebody resized the service; holds until a reload */
		int64_t min, max; /* the limits that were ordered */
	} resized;
	unsigned refs;
	UT_hash_handle hh; /* of the fleet's table, by name */
};

/* The member of this name in TABLE; NULL: there is none. */
struct member *member_find(struct member *table, const char *name);

/* The same, but makes the member if there is none. The table holds one reference. NULL: no memory. */
struct member *member_get(struct member **table, const char *name);

/* One more reference, for an order that refers to the member over several steps. NULL is allowed. */
struct member *member_ref(struct member *member);

/* Gives a reference back; the last one frees. *member becomes NULL; NULL is allowed. */
void member_unref(struct member **member);

/* Takes MEMBER out of TABLE and gives the table's reference back. */
void member_remove(struct member **table, struct member *member);

/* POOL is in force for MEMBER from now on: it takes over what the service has been ordered and has proved. */
void member_replace(struct member *member, struct pool *pool);

#endif
