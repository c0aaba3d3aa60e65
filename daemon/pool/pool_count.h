/* SPDX-License-Identifier: MIT */
/* Master. Counts the workers of a pool, and sums up what the living ones have counted on the board. */
#ifndef PREFORKD_POOL_POOL_COUNT_H
#define PREFORKD_POOL_POOL_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct counts;
struct policy_lane;
struct pool;
struct proc;

struct pool_counts { /* of workers, at the moment */
	int64_t starting, idle, busy, leaving;
};

/* The workers of LANE; -1: of all lanes. */
struct pool_counts pool_count(const struct pool *pool, ssize_t lane);

/* Adds one worker to the fields starting, idle, busy, leaving and spent of LANE. */
void pool_count_proc(const struct proc *proc, struct policy_lane *lane);

/*
 * Looks at the counters that the worker has written since the last look, and keeps them in proc->seen, which never goes
 * back. A counter that is lower than before, or higher than any worker can make it in that time, is not believed: it
 * was written by a worker that ran wild. False: there was one.
 */
bool pool_count_look(struct proc *proc, int64_t now_ms);

/* Adds FROM to COUNTS. */
void pool_count_add(struct counts *counts, const struct counts *from);

/* Looks at the living workers, and adds what they have counted. */
void pool_count_living(const struct pool *pool, struct counts *counts);

/* The sum of NAME, a counter of their module, over the living workers. */
uint64_t pool_count_own(const struct pool *pool, const char *name);

#endif
