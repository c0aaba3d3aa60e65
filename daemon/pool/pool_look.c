/* SPDX-License-Identifier: MIT */
#include "pool/pool_look.h"

#include <preforkd/module.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "pool/copies.h"
#include "pool/pool.h"
#include "pool/pool_board.h"
#include "pool/pool_count.h"
#include "pool/pool_deaths.h"
#include "pool/pool_full.h"
#include "pool/pool_leave.h"
#include "pool/pool_mend.h"
#include "pool/pool_start.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/recycle.h"
#include "pool/untaken.h"

#define STUCK_TICKS 3

/* ---- what has happened since the last look ---- */

/*
 * Ends the pauses between failed starts. A worker that is ready can serve, so one is enough. A program that is ready
 * may still end in the next moment, again and again: it must have lived for PROGRAM_EARLY_MS.
 */
static void believe_in(struct proc *proc, int64_t now)
{
	if (proc->believed || (proc->program != NULL && now - proc->started_ms < PROGRAM_EARLY_MS))
		return;
	pool_policy_proved(&proc->pool->policy);
	proc->believed = true;
}

static void kill_late_starter(struct proc *proc, int64_t now)
{
	int64_t patience = proc->pool->service->timeouts.start;
	struct log_about about = pool_about(proc->pool);

	if (patience == 0 || now - proc->started_ms < patience || proc->kill_ms != 0)
		return;
	about.worker = proc->pid;
	log_about(pool_is_quiet(proc->pool) ? LOG_DEBUG : LOG_ERR, &about,
		  "worker %d was not ready in time (timeouts.start); killed", (int)proc->pid);
	proc->kill_ms = now;
	proc_kill(proc);
}

static void retire_predecessor(struct proc *proc)
{
	struct proc *old;

	if (proc->predecessor == 0)
		return;
	HASH_FIND(by_pid, *proc->pool->by_pid, &proc->predecessor, sizeof(pid_t), old);
	if (old != NULL && old->pool == proc->pool && !old->leaving)
		pool_retire_proc(old);
	proc->predecessor = 0;
}

static void notice_ready(struct pool *pool, int64_t now)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->ready) {
			believe_in(proc, now);
			continue;
		}
		if (proc->program != NULL)
			program_look_ready(proc, now);
		if (proc_state(proc) == SLOT_STARTING) {
			kill_late_starter(proc, now);
			continue;
		}
		proc->ready = true;
		proc->ready_ms = now;
		pool->proved = true;
		believe_in(proc, now);
		retire_predecessor(proc);
	}
}

/* ---- what there is ---- */

/*
 * Clients in a queue are the pool's business, unless programs take them by themselves: programs that accept, and a
 * program that was given a socket for datagrams.
 */
static bool is_pending(const struct pool *pool, const struct listener *listener)
{
	const struct config_service *service = pool->service;
	bool runs_program = service->handler != NULL && (service->handler->flags & PREFORKD_COMMAND) != 0;

	if (service->program.runs || listener->refusing || (listener->key.datagram && runs_program))
		return false;
	return listen_pending(listener->fd);
}

static void count_lanes(struct pool *pool)
{
	struct proc *proc;

	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lanes[i] = (struct policy_lane){
			.pending = is_pending(pool, &pool->listeners[i]),
			.lowest = atomic_load(&pool->board.lanes[i].lowest),
		};
	DL_FOREACH (pool->procs, proc)
		pool_count_proc(proc, &pool->lanes[proc->lane]);
}

/*
 * Counts for each lane the ticks in a row at which clients waited and idle workers took none. After STUCK_TICKS the
 * lane is stuck: its idle workers were stopped, or hang in the kernel.
 */
static void find_stuck(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct pool_lane *memory = &pool->lane_memory[i];
		uint64_t taken = 0;
		struct proc *proc;

		DL_FOREACH (pool->procs, proc)
			if (proc->lane == i)
				taken += atomic_load(&proc_slot(proc)->turn);
		if (pool->lanes[i].pending && taken == memory->taken)
			memory->pending++;
		else
			memory->pending = 0;
		memory->taken = taken;
	}
}

static void look_at_tick(struct pool *pool, int64_t now)
{
	program_notify_watch(pool);
	pool_board_mend(pool, now);
	find_stuck(pool);
	pool_kill_hung(pool, now);
	pool_full_tick(pool, now);
	untaken_tick(pool);
}

/* ---- what there should be ---- */

static struct policy_limits limits_of(const struct pool *pool)
{
	struct policy_limits limits = {
		.min = pool->limits.min,
		.min_spare = pool->limits.min_spare,
		.max_spare = pool->limits.max_spare,
		.max = pool_most_workers(pool),
		.one_idle = pool->service->workers.on_full == ON_FULL_REFUSE,
	};

	if (pool->service->program.runs) { /* a fixed number, whatever they do, and beside those that leave */
		limits.keep_min = true;
		limits.min = pool_copies(pool);
		limits.min_spare = limits.max_spare = 0;
		limits.max = limits.min * (int64_t)pool->n_lanes;
	}
	return limits;
}

/* Retires the youngest idle workers: the longer a worker has lived, the better it is known to work. */
static void retire_idle(struct pool *pool, size_t lane, int64_t n)
{
	struct proc *proc;

	if (pool->procs == NULL)
		return;
	for (proc = pool->procs->prev; n > 0; proc = proc->prev) {
		if (proc->lane == lane && !proc->leaving && proc_state(proc) == SLOT_IDLE) {
			pool_retire_proc(proc);
			n--;
		}
		if (proc == pool->procs)
			break;
	}
}

static struct proc *next_spent(struct pool *pool, size_t lane)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (proc->lane == lane && !proc->leaving && !proc->succeeded && atomic_load(&proc_slot(proc)->spent))
			return proc;
	return NULL;
}

/* REPLACE of the N are successors of spent workers. */
static void start_workers(struct pool *pool, size_t lane, int64_t n, int64_t replace)
{
	for (; n > 0; n--) {
		struct proc *old = replace-- > 0 ? next_spent(pool, lane) : NULL;
		struct proc *proc = old != NULL ? pool_start_successor(pool, lane, old) : pool_start_worker(pool, lane);

		if (proc == NULL)
			return;
	}
}

static void adjust_workers(struct pool *pool, int64_t now)
{
	struct policy_limits limits = limits_of(pool);
	struct policy_verdict verdict;

	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lanes[i].stuck = pool->lane_memory[i].pending >= STUCK_TICKS;
	verdict = pool_policy_decide(&pool->policy, &limits, pool->lanes, pool->n_lanes, now);
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct board_lane *lane = &pool->board.lanes[i];

		if (pool->listeners[i].fd < 0 || pool->listeners[i].refusing)
			continue;
		start_workers(pool, i, pool->lanes[i].start, pool->lanes[i].replace);
		if (!pool_winds_down(pool))
			retire_idle(pool, i, pool->lanes[i].stop);
		if (verdict.interval_over)
			atomic_store(&lane->lowest, atomic_load(&lane->idle));
	}
	pool_full_step(pool, verdict.full, now);
	for (size_t i = 0; i < pool->n_lanes; i++) {
		/* At max there is nothing to start when a worker rings; the tick looks. */
		bool ring = pool->n_procs < (size_t)limits.max || pool_full_may_ring(pool, i);

		atomic_store(&pool->board.lanes[i].may_grow, ring);
	}
}

void pool_look_after(struct pool *pool, bool tick)
{
	int64_t now = clock_ms();

	pool_publish(pool);
	/* Answer the ring before looking: a change after the look rings again. */
	board_answer(&pool->board, pool->ring);
	pool_deaths_look_all(pool);
	notice_ready(pool, now);
	program_step(pool, now);
	if ((tick || pool->suspects) && pool->state == POOL_SERVING)
		pool_mend_listeners(pool);
	if (tick)
		recycle_tick(pool, now);
	count_lanes(pool);
	if (tick)
		look_at_tick(pool, now);
	if (pool->is_rolling) {
		if (!pool_rests(pool) && (pool->state == POOL_SERVING || pool->state == POOL_HELD))
			copies_fill(pool, now);
		return;
	}
	if (pool_rests(pool) ||
	    (pool->state != POOL_SERVING && (!pool_winds_down(pool) || pool->service->program.runs)))
		return; /* the pool keeps the workers that it has, and gets no others */
	adjust_workers(pool, now);
}
