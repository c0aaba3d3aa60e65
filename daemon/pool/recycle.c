/* SPDX-License-Identifier: MIT */
#include "pool/recycle.h"

#include <utlist.h>

#include "base/log.h"
#include "base/memory_use.h"
#include "base/parse.h"
#include "config/config.h"
#include "pool/pool.h"

#define SAMPLE_MS    10000 /* between two samples of a program's memory */
#define SAMPLES_MOST 64	   /* in one tick */

/*
 * The limit is shortened by up to a tenth, so that workers that were started together are not all replaced together.
 * The tenth follows from the pid, so it is the same at each look.
 */
static bool is_too_old(const struct proc *proc, int64_t now)
{
	int64_t limit = proc->pool->service->workers.max_age;
	int64_t jitter = (uint32_t)proc->pid * UINT32_C(2654435761) >> 22; /* 0 to 1023 */

	return limit != 0 && now - proc->started_ms >= limit - limit / 10 * jitter / 1024;
}

/* A worker has measured itself (worker/measure.c), because nobody else may; a program is measured here. -1: not now. */
static int64_t memory_of(struct proc *proc, int64_t now, int *budget)
{
	if (proc->program == NULL)
		return atomic_load(&proc_slot(proc)->memory);
	if (*budget == 0 || now - proc->started_ms < SAMPLE_MS || now - proc->sampled_ms < SAMPLE_MS)
		return -1;
	--*budget;
	proc->sampled_ms = now;
	return memory_use(proc->pid);
}

static bool is_too_large(struct proc *proc, int64_t now, int *budget)
{
	int64_t limit = proc->pool->service->workers.max_memory;
	struct log_about about = pool_about(proc->pool);
	char text[32], most[32];
	int64_t bytes;

	if (limit == 0)
		return false;
	bytes = memory_of(proc, now, budget);
	if (bytes <= limit)
		return false;
	format_size(bytes / 1024 * 1024, text, sizeof(text));
	format_size(limit, most, sizeof(most));
	about.worker = proc->pid;
	log_about(LOG_NOTICE, &about, "worker %d has %s of memory, more than %s (workers.max_memory): it is replaced",
		  (int)proc->pid, text, most);
	return true;
}

void recycle_tick(struct pool *pool, int64_t now_ms)
{
	const struct config_workers *limits = &pool->service->workers;
	int budget = SAMPLES_MOST;
	struct proc *proc;

	if (limits->max_age == 0 && limits->max_memory == 0)
		return;
	DL_FOREACH (pool->procs, proc) {
		_Atomic uint32_t *spent = &proc_slot(proc)->spent;

		if (!proc->ready || proc->leaving || proc->succeeded || atomic_load(spent) != 0)
			continue;
		if (is_too_old(proc, now_ms) || is_too_large(proc, now_ms, &budget))
			atomic_store(spent, 1);
	}
}
