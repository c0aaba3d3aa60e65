/* SPDX-License-Identifier: MIT */
#include "pool/pool_board.h"

#include <utlist.h>

#include "base/log.h"
#include "pool/pool.h"
#include "pool/pool_count.h"

#define LINGERS_TICKS 2

/*
 * A counter that was off by the same number at two ticks is corrected, and so is one that no number of workers can
 * explain. Until then it can only make a worker ring too early or too late.
 */
static void mend_lane(struct pool *pool, size_t i)
{
	struct board_lane *lane = &pool->board.lanes[i];
	struct pool_lane *memory = &pool->lane_memory[i];
	int64_t most = (int64_t)pool->board.n_slots, idle = atomic_load(&lane->idle);
	int64_t lowest = atomic_load(&lane->lowest), drift = pool->lanes[i].idle - idle;

	if (idle < -most || idle > most) {
		atomic_store(&lane->idle, (int32_t)pool->lanes[i].idle);
		drift = 0;
	} else if (drift != 0 && drift == memory->drift) {
		(void)atomic_fetch_add(&lane->idle, (int32_t)drift);
		drift = 0;
	}
	memory->drift = (int32_t)drift;
	if (lowest < -most || lowest > most)
		atomic_store(&lane->lowest, (int32_t)pool->lanes[i].idle);
}

/* Has another process written to the slot of this worker? A worker that leaves by itself is not there for long. */
static bool is_damaged(struct proc *proc, int64_t now)
{
	enum slot_state state = proc_state(proc);
	bool believed = pool_count_look(proc, now);

	if (proc->program != NULL || !proc->ready || proc->leaving)
		return false;
	proc->lingers = state == SLOT_LEAVING ? proc->lingers + 1 : 0;
	return !believed || proc->lingers >= LINGERS_TICKS ||
	       (state != SLOT_IDLE && state != SLOT_BUSY && state != SLOT_LEAVING);
}

/* No other slot can be trusted then, whatever it says. Workers that are replaced serve their clients to the end. */
static void replace_all(struct pool *pool, pid_t found)
{
	static struct log_limit limit;
	struct log_about about = pool_about(pool);
	struct proc *proc;
	unsigned missed;

	DL_FOREACH (pool->procs, proc)
		if (proc->ready && !proc->leaving)
			atomic_store(&proc_slot(proc)->spent, 1);
	if (log_limit(&limit, &missed))
		log_about(
			LOG_ERR, &about,
			"what worker %d shares with the others was overwritten: a worker has run wild; all of them are "
			"replaced",
			(int)found);
}

/* A seat below those of others that no worker has, or an idle worker, would count as a client for ever. */
static void mend_seats(struct pool *pool)
{
	struct proc *proc;

	sources_mend(pool->sources);
	DL_FOREACH (pool->procs, proc) {
		const struct board_slot *slot = proc_slot(proc);
		uint32_t turn = atomic_load(&slot->turn);
		uint64_t word;

		if (proc->seat < 0 || proc_state(proc) != SLOT_IDLE)
			continue;
		word = sources_seat_word(pool->sources, (size_t)proc->seat);
		/* the worker takes its seat after it has written that it is busy, with another turn */
		if (proc_state(proc) == SLOT_IDLE && atomic_load(&slot->turn) == turn)
			sources_seat_empty(pool->sources, (size_t)proc->seat, word);
	}
}

void pool_board_mend(struct pool *pool, int64_t now_ms)
{
	struct proc *proc;
	pid_t found = 0;

	for (size_t i = 0; i < pool->n_lanes; i++)
		mend_lane(pool, i);
	DL_FOREACH (pool->procs, proc)
		if (is_damaged(proc, now_ms))
			found = proc->pid;
	if (found != 0 && pool->generation != NULL)
		replace_all(pool, found);
	if (pool->sources != NULL)
		mend_seats(pool);
}
