/* SPDX-License-Identifier: MIT */
#include "pool/pool_adopt.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "pool/pool.h"
#include "pool/pool_new.h"
#include "pool/program.h"

struct pool *pool_adopt(const struct pool_parts *parts, struct err *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	size_t n = parts->n_listeners;

	if (pool == NULL)
		return (void)err_set(err, "no memory for a pool"), NULL;
	*pool = (struct pool){
		.event = parts->event,
		.state = POOL_SUPERSEDED,
		.stand_in = calloc(1, sizeof(*pool->stand_in)),
		.listeners = calloc(n, sizeof(*pool->listeners)),
		.lanes = calloc(n, sizeof(*pool->lanes)),
		.lane_memory = calloc(n, sizeof(*pool->lane_memory)),
		.totals = totals_ref(parts->totals),
		.sources = sources_ref(parts->sources),
		.by_pid = parts->by_pid,
		.dead = parts->dead,
		.board = {.fd = -1},
		.ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.targets = -1,
	};
	pool->service = pool->stand_in;
	for (size_t i = 0; i < n && pool->listeners != NULL; i++)
		pool->listeners[i].fd = -1;
	pool->n_lanes = pool->listeners != NULL ? n : 0;
	if (pool->stand_in == NULL || pool->listeners == NULL || pool->lanes == NULL || pool->lane_memory == NULL ||
	    pool->ring < 0) {
		pool_free(&pool);
		(void)err_set(err, "no memory for a pool");
	}
	return pool;
}

int pool_adopt_board(struct pool *pool, const struct board *was, int64_t version, bool *known_out, struct err *err)
{
	int fd = was->fd;

	*known_out = false;
	if (was->n_lanes != pool->n_lanes || was->n_slots == 0 || was->n_slots > 2 * CONFIG_WORKERS_MOST + 2)
		return err_set(err, "a board of the program before makes no sense");
	if (fd >= 0 && version == board_version() &&
	    board_adopt(&pool->board, fd, was->n_lanes, was->n_slots, err) == 0) {
		*known_out = true;
		return 0;
	}
	if (board_create(&pool->board, was->n_lanes, was->n_slots, err) < 0)
		return -1;
	fd_close(&fd);
	return 0;
}

/* -1: the worker sits in a table that is not read, and counts there. */
static int keep_seat(struct pool *pool, int seat, bool known)
{
	if (!known || seat < 0 || seat >= SOURCES_SEATS || sources_seat_keep(pool->sources, (size_t)seat) < 0)
		return -1;
	return seat;
}

/* Without its output the program runs on, and what it writes is lost. */
static int adopt_program(struct proc *proc, const struct program *was, int output, struct err *err)
{
	proc->program = calloc(1, sizeof(*proc->program));
	if (proc->program == NULL)
		return err_set(err, "no memory for a program");
	*proc->program = *was;
	proc->program->output = program_output_adopt(proc->pool->service->name, output);
	if (proc->program->output == NULL)
		return err_set(err, "no memory for a program");
	program_limit_output(proc);
	program_output_watch(proc->program->output, proc->pid, proc->pool->event);
	return 0;
}

/* The master writes the slot of a program itself, and knows its state. A worker writes elsewhere, and counts as busy.
 */
static void fill_blank_slot(const struct proc *proc, bool is_program)
{
	if (is_program) {
		atomic_store(&proc_slot(proc)->state, proc->leaving ? SLOT_LEAVING : SLOT_IDLE);
		return;
	}
	atomic_store(&proc_slot(proc)->state, SLOT_BUSY);
	atomic_store(&proc_slot(proc)->has_heard, 1);
}

int proc_adopt(struct pool *pool, const struct proc *was, const struct program *program, int output,
	       const struct pool_known *known, struct err *err)
{
	struct proc *proc = calloc(1, sizeof(*proc));

	if (proc == NULL)
		return err_set(err, "no memory for a worker");
	*proc = (struct proc){
		.pid = was->pid,
		.pool = pool,
		.board = &pool->board,
		.lane = was->lane,
		.slot = was->slot,
		.started_ms = was->started_ms,
		.ready = was->ready,
		.believed = was->believed,
		.leaving = was->leaving,
		.retire_ms = was->retire_ms,
		.kill_ms = was->kill_ms,
	};
	if (proc->pid <= 1 || proc->lane >= pool->n_lanes || board_slot_keep(&pool->board, proc->slot) < 0) {
		free(proc);
		return err_set(err, "a worker of the program before makes no sense");
	}
	proc->seat = keep_seat(pool, was->seat, known->sources);
	if (known->board)
		proc->deaths_seen = was->deaths_seen;
	else
		fill_blank_slot(proc, program != NULL);
	HASH_ADD(by_pid, *pool->by_pid, pid, sizeof(proc->pid), proc);
	if (proc->by_pid.tbl == NULL) {
		free(proc);
		return err_code(err, ENOMEM, "cannot note a worker of the program before");
	}
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	return program != NULL ? adopt_program(proc, program, output, err) : 0;
}
