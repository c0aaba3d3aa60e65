/* SPDX-License-Identifier: MIT */
/* What a pool is made of at the moment, and what it has done. */
#include <utlist.h>

#include "config/config.h"
#include "master/pool.h"

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

void pool_totals_add(struct pool_totals *totals, const struct board_slot *slot)
{
	totals->accepted += atomic_load(&slot->accepted);
	totals->failed += atomic_load(&slot->failed);
	totals->bytes_in += atomic_load(&slot->bytes_in);
	totals->bytes_out += atomic_load(&slot->bytes_out);
}

struct pool_totals pool_totals(const struct pool *pool)
{
	struct pool_totals totals = pool->gone;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		pool_totals_add(&totals, proc_slot(proc));
	return totals;
}

bool pool_all_ready(const struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->ready)
			return false;
	return pool->procs != NULL;
}
