/* SPDX-License-Identifier: MIT */
/* What a pool is made of at the moment, and what it has done. */
#include <string.h>
#include <utlist.h>

#include "config/config.h"
#include "pool/pool.h"

struct log_about pool_about(const struct pool *pool)
{
	return (struct log_about){.service = pool->service->name};
}

void pool_count_proc(const struct proc *proc, struct policy_lane *lane)
{
	if (proc->leaving) {
		lane->leaving++;
		return;
	}
	switch (proc_state(proc)) {
	case SLOT_STARTING:
		lane->starting++;
		break;
	case SLOT_IDLE:
		lane->idle++;
		break;
	case SLOT_BUSY:
		lane->busy++;
		break;
	case SLOT_FREE:
	case SLOT_LEAVING:
		lane->leaving++;
		break;
	}
	if (atomic_load_explicit(&proc_slot(proc)->spent, memory_order_relaxed) && !proc->succeeded)
		lane->spent++;
}

struct pool_counts pool_count(const struct pool *pool, ssize_t lane)
{
	struct policy_lane sum = {.start = 0};
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (lane < 0 || proc->lane == (size_t)lane)
			pool_count_proc(proc, &sum);
	return (struct pool_counts){
		.starting = sum.starting,
		.idle = sum.idle,
		.busy = sum.busy,
		.leaving = sum.leaving,
	};
}

void pool_counts_add(struct counts *counts, const struct board_slot *slot)
{
	counts->accepted += atomic_load(&slot->accepted);
	counts->failed += atomic_load(&slot->failed);
	counts->bytes_in += atomic_load(&slot->bytes_in);
	counts->bytes_out += atomic_load(&slot->bytes_out);
	counts->probes += atomic_load(&slot->probes);
	for (size_t i = 0; i < REFUSALS; i++)
		counts->refused[i] += atomic_load(&slot->refused[i]);
}

void pool_counts_living(const struct pool *pool, struct counts *counts)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		pool_counts_add(counts, proc_slot(proc));
}

uint64_t pool_own_living(const struct pool *pool, const char *name)
{
	struct proc *proc;
	uint64_t n = 0;

	for (size_t i = 0; i < BOARD_COUNTERS; i++)
		if (strcmp(pool->own.name[i], name) == 0)
			DL_FOREACH (pool->procs, proc)
				n += atomic_load(&proc_slot(proc)->own[i]);
	return n;
}

int64_t pool_throttled(const struct pool *pool, int64_t now_ms)
{
	if (pool->policy.failures == 0 || now_ms >= pool->policy.held_until_ms)
		return 0;
	return pool->policy.held_until_ms;
}

int64_t pool_copies(const struct pool *pool)
{
	int64_t all = pool->limits.min > 0 ? pool->limits.min : 1;

	return pool->copies > 0 && pool->copies < all ? pool->copies : all;
}

bool pool_winds_down(const struct pool *pool)
{
	return pool->state == POOL_DRAINING || pool->state == POOL_ENDING;
}

const char *pool_state_name(enum pool_state state)
{
	static const char *const names[] = {
		[POOL_HELD] = "starting",     [POOL_SERVING] = "serving", [POOL_PAUSED] = "paused",
		[POOL_DRAINING] = "draining", [POOL_DRAINED] = "drained", [POOL_SUPERSEDED] = "superseded",
		[POOL_ENDING] = "stopping",
	};

	return names[state];
}

bool pool_all_ready(const struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->ready)
			return false;
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].fd >= 0 && !pool->listeners[i].refusing)
			return pool->procs != NULL;
	return true; /* there is nothing to serve */
}
