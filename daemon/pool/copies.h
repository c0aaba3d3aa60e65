/* SPDX-License-Identifier: MIT */
/*
 * Master. The copies of a program (handler = "listen") at each address of a pool. Normally pool_policy keeps as many as
 * are configured. While programs are replaced (pool->is_rolling) each lane has a target of its own, and this file keeps
 * it: copies that are missing are started; copies above the target leave only when copies_reduce() is called.
 */
#ifndef PREFORKD_POOL_COPIES_H
#define PREFORKD_POOL_COPIES_H

#include <stdint.h>
#include <sys/types.h>

#include "pool/pool.h"

struct copies {
	int64_t present; /* that were not told to leave */
	int64_t ready;	 /* of these */
};

struct copies copies_count(const struct pool *pool, size_t lane);

/* The lane takes clients: its programs are waited for. */
bool copies_are_due(const struct pool *pool, size_t lane);

/* The lane of POOL that has the address of lane LANE of OTHER. -1: POOL does not have it. */
ssize_t copies_find_lane(const struct pool *pool, const struct pool *other, size_t lane);

/* The targets rule from now on; each is the number that is configured. */
void copies_begin(struct pool *pool);

/* The policy rules again. */
void copies_end(struct pool *pool);

/* Starts the copies that are missing at each address, unless the pool is throttled. A copy that takes the place of one
 * that had outlived its watch counts as having outlived it, too. */
void copies_fill(struct pool *pool, int64_t now_ms);

/* Tells copies to leave until KEEP are left at the address: those that live longest first. Returns how many it told. */
int64_t copies_reduce(struct pool *pool, size_t lane, int64_t keep);

/* The same, but those first that have not outlived their watch. */
int64_t copies_reduce_unproven(struct pool *pool, size_t lane, int64_t keep);

#endif
