/* SPDX-License-Identifier: MIT */
/*
 * A pool for unit tests: its workers are records without processes, their signals are recorded (link with
 * -Wl,--wrap=kill), and it starts none, because it has no generation.
 */
#ifndef PREFORKD_TESTS_MADE_UP_POOL_H
#define PREFORKD_TESTS_MADE_UP_POOL_H

#include <signal.h>
#include <string.h>
#include <utlist.h>

#include "base/child.h"
#include "base/err.h"
#include "pool/pool.h"

#include "suite.h"

#define MADE_UP_PID 5000000 /* no process has such a number (proc(5), pid_max) */

static struct {
	pid_t pid;
	int signal;
} made_up_kills[256];
static size_t made_up_n_kills;
static pid_t made_up_last_pid = MADE_UP_PID;

int __wrap_kill(pid_t pid, int signal); /* NOLINT: the linker's names */
int __real_kill(pid_t pid, int signal); /* NOLINT */

int __wrap_kill(pid_t pid, int signal) /* NOLINT */
{
	if (child_is_ours(pid < 0 ? -pid : pid)) /* of a trial */
		return __real_kill(pid, signal);
	ck_assert_uint_lt(made_up_n_kills, sizeof(made_up_kills) / sizeof(made_up_kills[0]));
	made_up_kills[made_up_n_kills].pid = pid;
	made_up_kills[made_up_n_kills++].signal = signal;
	return 0;
}

/* How often SIGNAL was sent to PID since the last call of made_up_forget_kills(). */
static inline size_t made_up_killed(pid_t pid, int signal)
{
	size_t n = 0;

	for (size_t i = 0; i < made_up_n_kills; i++)
		n += made_up_kills[i].pid == pid && made_up_kills[i].signal == signal;
	return n;
}

static inline void made_up_forget_kills(void)
{
	made_up_n_kills = 0;
}

static inline void made_up_pool(struct pool *pool, const struct config_service *service, struct listener *listeners,
				size_t n, struct proc **by_pid)
{
	struct err err;

	*pool = (struct pool){
		.state = POOL_SERVING,
		.service = service,
		.limits = service->workers,
		.listeners = listeners,
		.n_lanes = n,
		.ring = -1,
		.targets = -1,
		.lanes = calloc(n, sizeof(*pool->lanes)),
		.lane_memory = calloc(n, sizeof(*pool->lane_memory)),
		.by_pid = by_pid,
		.totals = totals_new(),
	};
	ck_assert(pool->lanes != NULL && pool->lane_memory != NULL && pool->totals != NULL);
	ck_assert_int_eq(board_create(&pool->board, n, 64, &err), 0);
}

/* A worker that is ready and in STATE. */
static inline struct proc *made_up_worker(struct pool *pool, size_t lane, enum slot_state state)
{
	struct proc *proc = calloc(1, sizeof(*proc));
	int slot = board_slot_take(&pool->board, 1);

	ck_assert(proc != NULL && slot >= 0);
	*proc = (struct proc){
		.pid = ++made_up_last_pid,
		.pool = pool,
		.board = &pool->board,
		.lane = lane,
		.slot = (size_t)slot,
		.seat = -1,
		.ready = true,
		.believed = true,
	};
	atomic_store(&proc_slot(proc)->state, state);
	HASH_ADD(by_pid, *pool->by_pid, pid, sizeof(proc->pid), proc);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	return proc;
}

#endif
