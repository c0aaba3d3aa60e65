/* SPDX-License-Identifier: MIT */
#include "pool/pool_count.h"

#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "pool/pool.h"
#include "pool/pool_deaths.h"

/* More than any worker can do in a millisecond. */
#define CLIENTS_A_MS 100ULL
#define BYTES_A_MS   (1ULL << 27)
#define OWN_A_MS     (1ULL << 40)
#define SLACK_MS     10 /* between a worker's count and its look at the clock */

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
	case SLOT_FREE:
	case SLOT_LEAVING:
		lane->leaving++;
		break;
	case SLOT_BUSY:
	default: /* another process has written there; it must count as something, or others would be started instead */
		lane->busy++;
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

/* Counts that VALUE has grown to TOLD, if that is at most by MOST. A counter that went back looks as if it had grown
 * almost for ever, because there are no negative numbers here. */
static bool follow(uint64_t *value, uint64_t told, uint64_t most)
{
	if (told - *value > most)
		return false;
	*value = told;
	return true;
}

bool pool_count_look(struct proc *proc, int64_t now_ms)
{
	const struct board_slot *slot = proc_slot(proc);
	struct counts *seen = &proc->seen;
	uint64_t ms = (uint64_t)(now_ms - (proc->seen_ms != 0 ? proc->seen_ms : proc->started_ms)) + SLACK_MS;
	uint64_t clients = ms * CLIENTS_A_MS, bytes = ms * BYTES_A_MS;
	bool fine = follow(&seen->accepted, atomic_load(&slot->accepted), clients);

	fine &= follow(&seen->failed, atomic_load(&slot->failed), clients);
	fine &= follow(&seen->probes, atomic_load(&slot->probes), clients);
	fine &= follow(&seen->bytes_in, atomic_load(&slot->bytes_in), bytes);
	fine &= follow(&seen->bytes_out, atomic_load(&slot->bytes_out), bytes);
	for (size_t i = 0; i < REFUSALS; i++)
		fine &= follow(&seen->refused[i], atomic_load(&slot->refused[i]), clients);
	/* a program may try as often as it likes */
	(void)follow(&seen->violations, atomic_load(&slot->violations), ms * OWN_A_MS);
	for (size_t i = 0; i < BOARD_COUNTERS; i++) /* a module may count as it likes */
		(void)follow(&proc->seen_own[i], atomic_load(&slot->own[i]), ms * OWN_A_MS);
	proc->seen_ms = now_ms;
	return fine;
}

void pool_count_add(struct counts *counts, const struct counts *from)
{
	counts->accepted += from->accepted;
	counts->failed += from->failed;
	counts->bytes_in += from->bytes_in;
	counts->bytes_out += from->bytes_out;
	counts->probes += from->probes;
	counts->violations += from->violations;
	for (size_t i = 0; i < REFUSALS; i++)
		counts->refused[i] += from->refused[i];
}

void pool_count_living(const struct pool *pool, struct counts *counts)
{
	int64_t now = clock_ms();
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		pool_deaths_look(proc, now);
		(void)pool_count_look(proc, now);
		pool_count_add(counts, &proc->seen);
	}
}

uint64_t pool_count_own(const struct pool *pool, const char *name)
{
	struct proc *proc;
	uint64_t n = 0;

	for (size_t i = 0; i < BOARD_COUNTERS; i++)
		if (strcmp(pool->own.name[i], name) == 0)
			DL_FOREACH (pool->procs, proc)
				n += proc->seen_own[i];
	return n;
}
