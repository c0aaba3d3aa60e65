/* SPDX-License-Identifier: MIT */
#include "pool/pool_count.h"

#include <string.h>
#include <utlist.h>

#include "pool/pool.h"

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

void pool_count_slot(struct counts *counts, const struct board_slot *slot)
{
	counts->accepted += atomic_load(&slot->accepted);
	counts->failed += atomic_load(&slot->failed);
	counts->bytes_in += atomic_load(&slot->bytes_in);
	counts->bytes_out += atomic_load(&slot->bytes_out);
	counts->probes += atomic_load(&slot->probes);
	for (size_t i = 0; i < REFUSALS; i++)
		counts->refused[i] += atomic_load(&slot->refused[i]);
}

void pool_count_living(const struct pool *pool, struct counts *counts)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		pool_count_slot(counts, proc_slot(proc));
}

uint64_t pool_count_own(const struct pool *pool, const char *name)
{
	struct proc *proc;
	uint64_t n = 0;

	for (size_t i = 0; i < BOARD_COUNTERS; i++)
		if (strcmp(pool->own.name[i], name) == 0)
			DL_FOREACH (pool->procs, proc)
				n += atomic_load(&proc_slot(proc)->own[i]);
	return n;
}
