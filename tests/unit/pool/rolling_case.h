/* SPDX-License-Identifier: MIT */
/* Two pools of programs for the tests of rolling.h, with a clock that the test turns and programs that it makes up. */
#ifndef PREFORKD_TESTS_POOL_ROLLING_CASE_H
#define PREFORKD_TESTS_POOL_ROLLING_CASE_H

#include <stdlib.h>
#include <unistd.h>

#include "pool/copies.h"
#include "pool/rolling.h"
#include "worker/contract.h"

#include "../made_up_pool.h"

enum { LANES = 2, COPIES = 4 };

#define START 2000
#define PROVE 5000

static char name[] = "web";
static struct config_service service;
static struct listener listeners[LANES], old_listeners[LANES];
static struct pool fresh, old;
static struct rolling r;
static struct proc *by_pid;
static int64_t now = 1000000;
static bool no_programs; /* none can be started */

int64_t __wrap_clock_ms(void);					       /* NOLINT: the linker's name */
struct proc *__wrap_pool_start_worker(struct pool *pool, size_t lane); /* NOLINT */

int64_t __wrap_clock_ms(void) /* NOLINT */
{
	return now;
}

struct proc *__wrap_pool_start_worker(struct pool *pool, size_t lane) /* NOLINT */
{
	struct proc *proc;

	if (no_programs)
		return NULL;
	proc = made_up_worker(pool, lane, SLOT_STARTING);
	proc->ready = proc->believed = false;
	proc->started_ms = now;
	return proc;
}

static inline void set_up(void)
{
	service = (struct config_service){
		.name = name,
		.program = {.runs = true, .notify = true},
		.workers = {.min = COPIES, .max = COPIES},
		.timeouts = {.start = START, .prove = PROVE},
	};
	for (size_t i = 0; i < LANES; i++) {
		listeners[i] = (struct listener){.fd = STDIN_FILENO};
		(void)snprintf(listeners[i].key.name, sizeof(listeners[i].key.name), "%zu", i);
		old_listeners[i] = listeners[i];
	}
	made_up_pool(&fresh, &service, listeners, LANES, &by_pid);
	made_up_pool(&old, &service, old_listeners, LANES, &by_pid);
	fresh.state = POOL_HELD;
	for (size_t i = 0; i < LANES * COPIES; i++)
		(void)made_up_worker(&old, i % LANES, SLOT_IDLE);
}

/* ---- what the programs do ---- */

static inline int64_t staying(const struct pool *pool)
{
	int64_t n = 0;

	for (size_t i = 0; i < pool->n_lanes; i++)
		n += copies_count(pool, i).present;
	return n;
}

static inline int64_t starting(const struct pool *pool)
{
	int64_t n = staying(pool);

	for (size_t i = 0; i < pool->n_lanes; i++)
		n -= copies_count(pool, i).ready;
	return n;
}

static inline void get_ready(struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->ready || proc->leaving)
			continue;
		proc->ready = true;
		proc->ready_ms = now;
		atomic_store(&proc_slot(proc)->state, SLOT_IDLE);
	}
}

static inline void bury(struct pool *pool, struct proc *proc)
{
	HASH_DELETE(by_pid, by_pid, proc);
	DL_DELETE(pool->procs, proc);
	pool->n_procs--;
	board_slot_free(&pool->board, proc->slot);
	free(proc);
}

/* A copy that was not told to leave ends, as pool_worker_gone() accounts for it. */
static inline void die(struct pool *pool, struct proc *proc)
{
	if (pool->is_rolling && !proc->leaving && !proc->outlived)
		pool->n_lost++;
	bury(pool, proc);
}

#endif
