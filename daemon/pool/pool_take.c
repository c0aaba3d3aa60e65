/* SPDX-License-Identifier: MIT */
#include "pool/pool_take.h"

#include <utlist.h>

#include "pool/copies.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "pool/program_notify.h"

static bool has_all_lanes(const struct pool *pool, const struct pool *former)
{
	for (size_t i = 0; i < former->n_lanes; i++)
		if (copies_find_lane(pool, former, i) < 0)
			return false;
	return true;
}

/* The master writes the slot of a program itself. */
static void fill_slot(const struct proc *proc)
{
	enum slot_state state = proc->leaving ? SLOT_LEAVING : proc->ready ? SLOT_IDLE : SLOT_STARTING;

	atomic_store(&proc_slot(proc)->state, state);
	atomic_store(&proc_slot(proc)->has_heard, proc->leaving);
	if (state == SLOT_IDLE)
		(void)atomic_fetch_add(&proc->pool->board.lanes[proc->lane].idle, 1);
}

/* A program sits in no seat that anybody reads: it has no connection that we know of. */
static void take_program(struct pool *pool, struct pool *former, struct proc *proc, size_t slot)
{
	if (proc->seat >= 0)
		sources_seat_free(former->sources, (size_t)proc->seat);
	board_slot_free(&former->board, proc->slot);
	DL_DELETE(former->procs, proc);
	former->n_procs--;
	proc->lane = (size_t)copies_find_lane(pool, former, proc->lane);
	proc->pool = pool;
	proc->board = &pool->board;
	proc->slot = slot;
	proc->seat = -1;
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	pool->proved = pool->proved || proc->ready;
	if (proc->program != NULL && proc->program->output != NULL)
		program_limit_output(proc);
	fill_slot(proc);
}

bool pool_take_programs(struct pool *pool, struct pool *former)
{
	struct proc *proc, *next;

	if (!has_all_lanes(pool, former) || !program_notify_move(pool, former))
		return false;
	DL_FOREACH_SAFE (former->procs, proc, next) {
		int slot = board_slot_take(&pool->board, proc->started_ms);

		if (slot >= 0)
			take_program(pool, former, proc, (size_t)slot);
	}
	return true;
}
