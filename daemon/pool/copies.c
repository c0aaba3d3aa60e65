/* SPDX-License-Identifier: MIT */
#include "pool/copies.h"

#include <utlist.h>

#include "pool/pool_leave.h"
#include "pool/pool_start.h"

struct copies copies_count(const struct pool *pool, size_t lane)
{
	struct copies n = {0};
	const struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->lane != lane || proc->leaving)
			continue;
		n.present++;
		n.ready += proc->ready;
	}
	return n;
}

bool copies_are_due(const struct pool *pool, size_t lane)
{
	return pool->listeners[lane].fd >= 0 && !pool->listeners[lane].refusing;
}

ssize_t copies_find_lane(const struct pool *pool, const struct pool *other, size_t lane)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (listener_same_key(&pool->listeners[i].key, &other->listeners[lane].key))
			return (ssize_t)i;
	return -1;
}

void copies_begin(struct pool *pool)
{
	pool->is_rolling = true;
	for (size_t i = 0; i < pool->n_lanes; i++) {
		pool->lane_memory[i].copies = pool_copies(pool);
		pool->lane_memory[i].proven = 0;
	}
}

void copies_end(struct pool *pool)
{
	pool->is_rolling = false;
}

static int64_t count_outlived(const struct pool *pool, size_t lane)
{
	const struct proc *proc;
	int64_t n = 0;

	DL_FOREACH (pool->procs, proc)
		n += proc->lane == lane && proc->outlived && !proc->leaving;
	return n;
}

void copies_fill(struct pool *pool, int64_t now_ms)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		const struct pool_lane *lane = &pool->lane_memory[i];
		int64_t missing = lane->copies - copies_count(pool, i).present;

		for (; missing > 0 && copies_are_due(pool, i) && pool_throttled(pool, now_ms) == 0; missing--) {
			bool replaces = count_outlived(pool, i) < lane->proven;
			struct proc *proc = pool_start_worker(pool, i);

			if (proc == NULL)
				return;
			proc->outlived = replaces;
		}
	}
}

static bool is_staying(const struct proc *proc, size_t lane)
{
	return proc->lane == lane && !proc->leaving;
}

int64_t copies_reduce(struct pool *pool, size_t lane, int64_t keep)
{
	int64_t excess = copies_count(pool, lane).present - (keep > 0 ? keep : 0), told = 0;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) { /* the oldest first */
		if (told >= excess)
			break;
		if (!is_staying(proc, lane))
			continue;
		pool_retire_proc(proc);
		told++;
	}
	return told;
}

int64_t copies_reduce_unproven(struct pool *pool, size_t lane, int64_t keep)
{
	int64_t excess = copies_count(pool, lane).present - (keep > 0 ? keep : 0), told = 0;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (told >= excess)
			return told;
		if (!is_staying(proc, lane) || proc->outlived)
			continue;
		pool_retire_proc(proc);
		told++;
	}
	return told + copies_reduce(pool, lane, keep);
}
