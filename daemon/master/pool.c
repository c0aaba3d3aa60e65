/* SPDX-License-Identifier: MIT */
#include "master/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "worker/worker.h"

#define TELL_FULL_MS 60000
#define STUCK_TICKS 3

int pool_open(struct pool *pool, const struct config *config, const struct config_service *service,
	      struct listener *listeners, size_t n_listeners, struct proc **by_pid, int dead,
	      struct err *err)
{
	if ((int64_t)n_listeners > service->workers.max)
		return err_set(err, "%zu sockets need a worker each, but workers.max is %lld",
			       n_listeners, (long long)service->workers.max);
	/* Twice max: those that leave still hold a slot while their successors start. */
	size_t slots = (size_t)service->workers.max * 2 + 2;

	*pool = (struct pool){
		.config = config,
		.service = service,
		.listeners = listeners,
		.n_lanes = n_listeners,
		.by_pid = by_pid,
		.dead = dead,
		.ring = -1,
		.board = {.fd = -1},
	};
	if (board_create(&pool->board, n_listeners, slots, err) < 0)
		return -1;
	pool->lanes = calloc(n_listeners, sizeof(*pool->lanes));
	pool->lane_memory = calloc(n_listeners, sizeof(*pool->lane_memory));
	if (pool->lanes == NULL || pool->lane_memory == NULL) {
		(void)err_set(err, "no memory for a pool");
		goto fail;
	}
	pool->ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->ring < 0) {
		(void)err_sys(err, "cannot create an eventfd");
		goto fail;
	}
	return 0;
fail:
	pool_close(pool);
	return -1;
}

void pool_close(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		listener_close(&pool->listeners[i]);
	free(pool->listeners);
	board_close(&pool->board);
	free(pool->lanes);
	free(pool->lane_memory);
	fd_close(&pool->ring);
	*pool = (struct pool){.ring = -1};
}

static void count_lanes(struct pool *pool)
{
	struct proc *proc;

	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lanes[i] = (struct policy_lane){
			.pending = listen_pending(pool->listeners[i].fd),
			.lowest = atomic_load(&pool->board.lanes[i].lowest),
		};
	DL_FOREACH (pool->procs, proc)
		pool_count_proc(proc, &pool->lanes[proc->lane]);
}

int pool_start_worker(struct pool *pool, size_t lane, pid_t predecessor)
{
	struct worker_params params = {
		.config = pool->config,
		.service = pool->service,
		.listener = pool->listeners[lane].fd,
		.board = pool->board.fd,
		.ring = pool->ring,
		.dead = pool->dead,
		.lane = lane,
		.master = getpid(),
	};
	struct log_about who = pool_about(pool);
	static struct log_limit limit;
	int64_t now = clock_ms();
	struct proc *proc;
	unsigned missed;
	int slot;

	proc = calloc(1, sizeof(*proc));
	slot = board_slot_take(&pool->board, now);
	if (proc == NULL || slot < 0) {
		errno = proc == NULL ? ENOMEM : EAGAIN;
		goto fail;
	}
	*proc = (struct proc){
		.pool = pool,
		.lane = lane,
		.slot = (size_t)slot,
		.started_ms = now,
		.predecessor = predecessor,
	};
	params.slot = (size_t)slot;
	proc->pid = fork();
	if (proc->pid == 0)
		worker_main(&params);
	if (proc->pid < 0)
		goto fail;
	HASH_ADD(by_pid, *pool->by_pid, pid, sizeof(proc->pid), proc);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	return 0;
fail:
	if (log_limit(&limit, &missed))
		log_about(LOG_ERR, &who, "cannot start a worker: %s; trying again (%zu are running)",
			  strerror(errno), pool->n_procs);
	if (slot >= 0)
		board_slot_free(&pool->board, (size_t)slot);
	free(proc);
	pool_policy_failed(&pool->policy, now);
	return -1;
}

/* Those who started and are now seen at work; their predecessors may go. */
static void notice_ready(struct pool *pool, int64_t now)
{
	int64_t patience = pool->service->timeouts.start;
	struct log_about who = pool_about(pool);
	struct proc *proc, *old;

	DL_FOREACH (pool->procs, proc) {
		if (proc->ready)
			continue;
		if (proc_state(proc) == SLOT_STARTING) {
			if (patience == 0 || now - proc->started_ms < patience || proc->kill_ms != 0)
				continue;
			log_about(LOG_ERR, &who, "worker %d was not ready in time (timeouts.start); killed",
				  (int)proc->pid);
			proc->kill_ms = now;
			(void)kill(proc->pid, SIGKILL);
			continue;
		}
		proc->ready = true;
		pool->proved = true;
		pool_policy_proved(&pool->policy);
		if (proc->predecessor == 0)
			continue;
		HASH_FIND(by_pid, *pool->by_pid, &proc->predecessor, sizeof(pid_t), old);
		if (old != NULL && old->pool == pool && !old->leaving)
			proc_retire(old);
		proc->predecessor = 0;
	}
}

/* The youngest idle ones: the longer one has lived, the better it is known to work. */
static void retire_idle(struct pool *pool, size_t lane, int64_t n)
{
	struct proc *proc;

	if (pool->procs == NULL)
		return;
	for (proc = pool->procs->prev; n > 0; proc = proc->prev) {
		if (proc->lane == lane && !proc->leaving && proc_state(proc) == SLOT_IDLE) {
			proc_retire(proc);
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
		if (proc->lane == lane && !proc->leaving && !proc->succeeded &&
		    atomic_load(&proc_slot(proc)->spent))
			return proc;
	return NULL;
}

static void start_workers(struct pool *pool, size_t lane, int64_t n, int64_t replace)
{
	for (; n > 0; n--) {
		struct proc *old = replace-- > 0 ? next_spent(pool, lane) : NULL;

		if (pool_start_worker(pool, lane, old != NULL ? old->pid : 0) < 0)
			return;
		if (old != NULL)
			old->succeeded = true;
	}
}

static void tell_full(struct pool *pool, int64_t now)
{
	struct log_about who = pool_about(pool);

	if (pool->told_full_ms != 0 && now - pool->told_full_ms < TELL_FULL_MS)
		return;
	pool->told_full_ms = now;
	log_about(LOG_WARNING, &who,
		  "all workers are busy and clients wait in the queue; workers.max = %" PRId64
		  " does not allow more",
		  pool->service->workers.max);
}

/*
 * Killed workers take their share of the idle counter with them if they die between two writes. A counter
 * that was off by the same number at two ticks is put right; it only decides when to ring.
 */
static void mend_idle(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		_Atomic int32_t *idle = &pool->board.lanes[i].idle;
		int32_t drift = (int32_t)pool->lanes[i].idle - atomic_load(idle);

		if (drift != 0 && drift == pool->lane_memory[i].drift) {
			(void)atomic_fetch_add(idle, drift);
			drift = 0;
		}
		pool->lane_memory[i].drift = drift;
	}
}

/* A lane is stuck when clients wait and idle workers take none, tick after tick: those workers are stopped, or
 * hang in the kernel. */
static void find_stuck(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct pool_lane *memory = &pool->lane_memory[i];
		uint64_t accepted = 0;
		struct proc *proc;

		DL_FOREACH (pool->procs, proc)
			if (proc->lane == i)
				accepted += atomic_load(&proc_slot(proc)->accepted);
		if (pool->lanes[i].pending && accepted == memory->accepted)
			memory->pending++;
		else
			memory->pending = 0;
		memory->accepted = accepted;
	}
}

void pool_look_after(struct pool *pool, bool tick)
{
	struct policy_limits limits = {
		.min = pool->service->workers.min,
		.min_spare = pool->service->workers.min_spare,
		.max_spare = pool->service->workers.max_spare,
		.max = pool->service->workers.max,
	};
	struct policy_verdict verdict;
	int64_t now = clock_ms();

	/* Answer before looking: what changes afterwards rings again. */
	board_answer(&pool->board, pool->ring);
	notice_ready(pool, now);
	count_lanes(pool);
	if (tick) {
		mend_idle(pool);
		find_stuck(pool);
		pool_kill_hung(pool, now);
	}
	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lanes[i].stuck = pool->lane_memory[i].pending >= STUCK_TICKS;
	verdict = pool_policy_decide(&pool->policy, &limits, pool->lanes, pool->n_lanes, now);
	if (verdict.full)
		tell_full(pool, now);
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct board_lane *lane = &pool->board.lanes[i];

		if (pool->listeners[i].fd < 0)
			continue;
		start_workers(pool, i, pool->lanes[i].start, pool->lanes[i].replace);
		if (!pool->stopping)
			retire_idle(pool, i, pool->lanes[i].stop);
		if (verdict.interval_over)
			atomic_store(&lane->lowest, atomic_load(&lane->idle));
		/* At max a ring would be for nothing; the tick looks. */
		atomic_store(&lane->may_grow, pool->n_procs < (size_t)limits.max);
	}
}
