/* SPDX-License-Identifier: MIT */
#include "pool/pool_deaths.h"

#include <preforkd/module.h>
#include <sys/wait.h>
#include <utlist.h>

#include "base/clock.h"
#include "board/death_record.h"
#include "board/deaths.h"
#include "config/config.h"
#include "config/limit_table.h"
#include "pool/pool.h"
#include "pool/proc.h"
#include "pool/totals.h"

/* Its bytes go past the worker, which asks the kernel for their number at the end. */
static bool runs_programs(const struct proc *proc)
{
	return (proc->pool->service->handler->flags & PREFORKD_COMMAND) != 0;
}

static enum death_phase phase_of(const struct proc *proc)
{
	const struct board_slot *slot = proc_slot(proc);

	if (proc->program != NULL)
		return proc->ready ? DEATH_SERVING : DEATH_STARTING;
	switch (proc_state(proc)) {
	case SLOT_STARTING:
		return DEATH_STARTING;
	case SLOT_IDLE:
		return DEATH_IDLE;
	case SLOT_BUSY:
		if (atomic_load(&slot->finishing) != 0)
			return DEATH_FINISHING;
		if (runs_programs(proc))
			return DEATH_SERVING;
		return atomic_load(&slot->greeted) != 0 ? DEATH_SERVING : DEATH_WAITING;
	case SLOT_FREE:
	case SLOT_LEAVING:
		break;
	}
	return DEATH_LEAVING;
}

static void copy_address(uint64_t *to, const _Atomic uint64_t *from)
{
	for (int i = 0; i < PACKED_ADDRESS_WORDS; i++)
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
}

/* The growth of COUNTER since BEFORE; 0 if it has become less, which makes no sense. */
static uint64_t growth(const _Atomic uint64_t *counter, const _Atomic uint64_t *before)
{
	int64_t n = (int64_t)(atomic_load(counter) - atomic_load(before));

	return n > 0 ? (uint64_t)n : 0;
}

static void describe_client(const struct proc *proc, struct death *death)
{
	const struct board_slot *slot = proc_slot(proc);
	int64_t since = atomic_load(&slot->since_ms);

	if (since >= proc->started_ms && since <= death->at_ms)
		death->age_ms = death->at_ms - since;
	death->in = runs_programs(proc) ? DEATH_UNCOUNTED : growth(&slot->bytes_in, &slot->bytes_in_before);
	death->out = runs_programs(proc) ? DEATH_UNCOUNTED : growth(&slot->bytes_out, &slot->bytes_out_before);
	copy_address(death->peer, slot->peer);
	copy_address(death->via, slot->via);
}

struct death pool_deaths_describe(const struct proc *proc, int status, const struct rusage *usage)
{
	int64_t now = clock_ms();
	struct death death = {
		.at_ms = now,
		.pid = proc->pid,
		.kind = proc->program != NULL ? DEATH_PROGRAM : DEATH_WORKER,
		.phase = phase_of(proc),
		.status = status,
		.age_ms = now > proc->started_ms ? now - proc->started_ms : 0,
	};

	death_set_usage(&death, usage);
	if (proc->program == NULL && proc_state(proc) == SLOT_BUSY)
		describe_client(proc, &death);
	return death;
}

void pool_deaths_keep(struct pool *pool, const struct death *death)
{
	deaths_add(&pool->totals->deaths, death);
}

/* Its record has no room for that. */
static void name_limit(const struct config_service *service, struct death *death)
{
	if (death->reason[0] == '\0' && WIFSIGNALED(death->status))
		(void)limit_table_blame(&service->limits, WTERMSIG(death->status), "", death->reason,
					sizeof(death->reason));
}

/* Returns what death_record_read() says. */
static int take_record(struct proc *proc, int64_t now_ms)
{
	struct totals *totals = proc->pool->totals;
	struct death death;
	uint32_t lost;
	int rc = death_record_read(&proc_slot(proc)->death, now_ms, &proc->deaths_seen, &death, &lost);

	deaths_lose(&totals->deaths, lost);
	if (rc != 1)
		return rc;
	name_limit(proc->pool->service, &death);
	deaths_add(&totals->deaths, &death);
	return 1;
}

void pool_deaths_look(struct proc *proc, int64_t now_ms)
{
	if (proc->program == NULL)
		(void)take_record(proc, now_ms);
}

void pool_deaths_look_all(struct pool *pool)
{
	int64_t now = clock_ms();
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		pool_deaths_look(proc, now);
}

void pool_deaths_end(struct proc *proc)
{
	if (proc->program == NULL && take_record(proc, clock_ms()) < 0)
		deaths_lose(&proc->pool->totals->deaths, 1);
}
