/* SPDX-License-Identifier: MIT */
#include "pool/recycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/parse.h"
#include "config/config.h"
#include "pool/pool.h"

#define SAMPLE_MS    10000 /* between two samples of a worker's memory, for each of which the kernel walks all of it */
#define SAMPLES_MOST 64	   /* in one tick */

/* The proportional set size of PID in bytes (proc_pid_smaps(5)). -1: it may not be read, or the process has ended. */
static int64_t read_pss(pid_t pid)
{
	char path[64], line[256];
	int64_t kib = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %" SCNd64 " kB", &kib) != 1)
			kib = -1;
	(void)fclose(f);
	return kib >= 0 ? kib * 1024 : -1;
}

/*
 * The memory in bytes that PID shares with nothing. Every user may read it, while the Pss of another user's process
 * needs CAP_SYS_PTRACE. -1: the process has ended.
 */
static int64_t read_unshared(pid_t pid)
{
	int64_t resident, shared;
	char path[64];
	FILE *f;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	n = fscanf(f, "%*d %" SCNd64 " %" SCNd64, &resident, &shared);
	(void)fclose(f);
	return n == 2 ? (resident - shared) * sysconf(_SC_PAGESIZE) : -1;
}

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

static bool is_too_large(struct proc *proc, int64_t now, int *budget)
{
	int64_t limit = proc->pool->service->workers.max_memory;
	struct log_about about = pool_about(proc->pool);
	char text[32], most[32];
	int64_t bytes;

	if (limit == 0 || *budget == 0 || now - proc->started_ms < SAMPLE_MS || now - proc->sampled_ms < SAMPLE_MS)
		return false;
	--*budget;
	proc->sampled_ms = now;
	bytes = read_pss(proc->pid);
	if (bytes < 0)
		bytes = read_unshared(proc->pid);
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
