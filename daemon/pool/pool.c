/* SPDX-License-Identifier: MIT */
#include "pool/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <preforkd/module.h>
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
#include "base/message_ids.h"
#include "pool/pool_targets.h"
#include "pool/program.h"
#include "pool/recycle.h"
#include "worker/worker.h"

#define STUCK_TICKS 3

/* One more at each address to turn clients away while max of them serve. */
static int64_t most_workers(const struct config_workers *limits, size_t n_lanes)
{
	return limits->max + (limits->on_full == ON_FULL_REFUSE ? (int64_t)n_lanes : 0);
}

/* Twice as many: those that leave still hold a slot while their successors start. */
static size_t slots_for(const struct config_workers *limits, size_t n_lanes)
{
	return (size_t)most_workers(limits, n_lanes) * 2 + 2;
}

bool pool_has_room(const struct pool *pool, const struct config_workers *limits)
{
	return slots_for(limits, pool->n_lanes) <= pool->board.n_slots;
}

/* For the workers, who cannot ask. Said again at each tick, for one of them may have written there, too. */
static void tell_max(struct pool *pool)
{
	atomic_store(&pool->board.head->workers_max, (uint32_t)pool->limits.max);
}

void pool_set_limits(struct pool *pool, const struct config_workers *limits)
{
	pool->limits = *limits;
	tell_max(pool);
}

static int make_board(struct pool *pool, struct err *err)
{
	if ((int64_t)pool->n_lanes > pool->limits.max)
		return err_set(err, "%zu sockets need a worker each, but workers.max is %lld", pool->n_lanes,
			       (long long)pool->limits.max);
	if (board_create(&pool->board, pool->n_lanes, slots_for(&pool->limits, pool->n_lanes), err) < 0)
		return -1;
	tell_max(pool);
	return 0;
}

/* That of the generation before, for its clients are the same. */
static int take_sources(struct pool *pool, struct sources *former, struct err *err)
{
	size_t n = (size_t)pool->service->access.sources;

	pool->sources = former != NULL && former->n_records == n ? sources_ref(former) : sources_new(n, err);
	return pool->sources != NULL ? 0 : -1;
}

struct pool *pool_new(const struct pool_parts *parts, struct err *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL) {
		listener_give_back(parts->listeners, parts->n_listeners);
		(void)err_set(err, "no memory for a pool");
		return NULL;
	}
	*pool = (struct pool){
		.event = parts->event,
		.state = POOL_HELD,
		.generation = generation_ref(parts->generation),
		.service = parts->service,
		.limits = parts->limits != NULL ? *parts->limits : parts->service->workers,
		.listeners = parts->listeners,
		.n_lanes = parts->n_listeners,
		.by_pid = parts->by_pid,
		.dead = parts->dead,
		.ring = -1,
		.targets = -1,
		.board = {.fd = -1},
		.full = {.queues = -1},
		.own = totals_own_names(parts->service->handler),
		.notify = {.fd = -1},
		.totals = parts->totals != NULL ? totals_ref(parts->totals) : totals_new(),
		.lanes = calloc(parts->n_listeners, sizeof(*pool->lanes)),
		.lane_memory = calloc(parts->n_listeners, sizeof(*pool->lane_memory)),
	};
	if (pool->lanes == NULL || pool->lane_memory == NULL || pool->totals == NULL) {
		(void)err_set(err, "no memory for a pool");
		goto fail;
	}
	if (make_board(pool, err) < 0 || take_sources(pool, parts->sources, err) < 0 || pool_full_init(pool, err) < 0 ||
	    pool_targets_make(pool, parts->former, err) < 0)
		goto fail;
	if (pool->service->program.runs && program_notify_open(pool, err) < 0)
		goto fail;
	pool->ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->ring < 0) {
		(void)err_sys(err, "cannot create an eventfd");
		goto fail;
	}
	return pool;
fail:
	pool_free(&pool);
	return NULL;
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	*pool = NULL;
	if (p == NULL)
		return;
	pool_full_clear(p);
	program_notify_close(p);
	listener_give_back(p->listeners, p->n_lanes);
	board_close(&p->board);
	free(p->lanes);
	free(p->lane_memory);
	(void)sd_event_source_disable_unref(p->ring_source);
	fd_close(&p->ring);
	fd_close(&p->targets);
	totals_unref(&p->totals);
	sources_unref(&p->sources);
	generation_unref(&p->generation);
	if (p->stand_in != NULL) {
		free(p->stand_in->socket.device);
		free(p->stand_in->upstreams.list);
		free(p->stand_in->name);
	}
	free(p->stand_in);
	free(p);
}

/* What waits for programs is theirs to take: for those that accept, and for one that has the datagrams of a socket. */
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

static struct proc *start_worker(struct pool *pool, size_t lane, pid_t predecessor, int hold)
{
	struct worker_params params = {
		.config = pool->generation != NULL ? pool->generation->config : NULL,
		.service = pool->service,
		.listener = pool->listeners[lane].fd,
		.board = pool->board.fd,
		.ring = pool->ring,
		.dead = pool->dead,
		.targets = pool->targets,
		.sources = pool->sources->fd,
		.proof = hold,
		.output = -1,
		.notify = pool->notify.name,
		.lane = lane,
		.master = getpid(),
	};
	struct log_about who = pool_about(pool);
	static struct log_limit limit;
	int64_t now = clock_ms();
	struct proc *proc;
	struct program *program = NULL;
	struct err err;
	unsigned missed;
	int slot, seat, saved;

	if (params.config == NULL) /* of another image: its workers were that image's */
		return NULL;
	proc = calloc(1, sizeof(*proc));
	slot = board_slot_take(&pool->board, now);
	seat = sources_seat_take(pool->sources);
	if (proc == NULL || slot < 0 || seat < 0) {
		errno = proc == NULL ? ENOMEM : EAGAIN;
		goto fail;
	}
	if (pool->service->program.runs) {
		program = program_new(pool, &params.output, &err);
		if (program == NULL)
			goto fail;
	}
	*proc = (struct proc){
		.pool = pool,
		.lane = lane,
		.slot = (size_t)slot,
		.seat = seat,
		.started_ms = now,
		.predecessor = predecessor,
		.program = program,
	};
	params.slot = (size_t)slot;
	params.seat = (size_t)seat;
	proc->pid = fork();
	if (proc->pid == 0)
		worker_main(&params);
	if (proc->pid < 0)
		goto fail;
	fd_close(&params.output);
	if (program != NULL)
		program_started(proc);
	HASH_ADD(by_pid, *pool->by_pid, pid, sizeof(proc->pid), proc);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	return proc;
fail:
	saved = errno;
	fd_close(&params.output);
	program_free(&program);
	who.message_id = MESSAGE_ID_WORKER_FAILED;
	if (log_limit(&limit, &missed))
		log_about(LOG_ERR, &who, "cannot start a worker: %s; trying again (%zu are running)", strerror(saved),
			  pool->n_procs);
	if (slot >= 0)
		board_slot_free(&pool->board, (size_t)slot);
	if (seat >= 0)
		sources_seat_free(pool->sources, (size_t)seat);
	free(proc);
	pool_policy_failed(&pool->policy, now);
	return NULL;
}

struct proc *pool_start_worker(struct pool *pool, size_t lane)
{
	return start_worker(pool, lane, 0, -1);
}

struct proc *pool_start_held(struct pool *pool, size_t lane, int hold)
{
	return start_worker(pool, lane, 0, hold);
}

/*
 * A worker that is ready can serve. A program that is ready may end in the next moment, again and again, so it must
 * have lived for a while before the next one may start at once.
 */
static void believe(struct proc *proc, int64_t now)
{
	if (proc->program == NULL && !proc->believed)
		pool_policy_proved(&proc->pool->policy);
	else if (proc->program != NULL && !proc->believed && now - proc->started_ms >= PROGRAM_EARLY_MS)
		pool_policy_proved(&proc->pool->policy);
	else
		return;
	proc->believed = true;
}

/* Those who started and are now seen at work; their predecessors may go. */
static void notice_ready(struct pool *pool, int64_t now)
{
	int64_t patience = pool->service->timeouts.start;
	struct log_about who = pool_about(pool);
	struct proc *proc, *old;

	DL_FOREACH (pool->procs, proc) {
		if (proc->ready) {
			believe(proc, now);
			continue;
		}
		if (proc->program != NULL)
			program_look_ready(proc, now);
		if (proc_state(proc) == SLOT_STARTING) {
			if (patience == 0 || now - proc->started_ms < patience || proc->kill_ms != 0)
				continue;
			who.worker = proc->pid;
			log_about(LOG_ERR, &who, "worker %d was not ready in time (timeouts.start); killed",
				  (int)proc->pid);
			proc->kill_ms = now;
			proc_kill(proc);
			continue;
		}
		proc->ready = true;
		pool->proved = true;
		believe(proc, now);
		if (proc->predecessor == 0)
			continue;
		HASH_FIND(by_pid, *pool->by_pid, &proc->predecessor, sizeof(pid_t), old);
		if (old != NULL && old->pool == pool && !old->leaving)
			pool_retire_proc(old);
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

static void start_workers(struct pool *pool, size_t lane, int64_t n, int64_t replace)
{
	for (; n > 0; n--) {
		struct proc *old = replace-- > 0 ? next_spent(pool, lane) : NULL;

		if (start_worker(pool, lane, old != NULL ? old->pid : 0, -1) == NULL)
			return;
		if (old != NULL)
			old->succeeded = true;
	}
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

void pool_look_after(struct pool *pool, bool tick)
{
	struct policy_limits limits = {
		.min = pool->limits.min,
		.min_spare = pool->limits.min_spare,
		.max_spare = pool->limits.max_spare,
		.max = most_workers(&pool->limits, pool->n_lanes),
		.one_idle = pool->service->workers.on_full == ON_FULL_REFUSE,
	};
	struct policy_verdict verdict;
	int64_t now = clock_ms();

	if (pool->service->program.runs) { /* so many, whatever they do, and whoever leaves */
		limits.keep_min = true;
		limits.min = pool_copies(pool);
		limits.min_spare = limits.max_spare = 0;
		limits.max = limits.min * (int64_t)pool->n_lanes;
		if (tick && pool->state == POOL_SERVING)
			program_mend_listeners(pool);
	}
	/* Answer before looking: what changes afterwards rings again. */
	board_answer(&pool->board, pool->ring);
	notice_ready(pool, now);
	program_step(pool, now);
	if (tick)
		recycle_tick(pool, now);
	count_lanes(pool);
	if (tick) {
		tell_max(pool);
		mend_idle(pool);
		find_stuck(pool);
		pool_kill_hung(pool, now);
		pool_full_tick(pool, now);
	}
	if (pool->state != POOL_SERVING && (!pool_winds_down(pool) || pool->service->program.runs))
		return; /* what it has is what it keeps */
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
		/* At max a ring would be for nothing; the tick looks. */
		bool ring = pool->n_procs < (size_t)limits.max || pool_full_may_ring(pool, i);

		atomic_store(&pool->board.lanes[i].may_grow, ring);
	}
}
