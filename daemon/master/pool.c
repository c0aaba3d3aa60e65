/* SPDX-License-Identifier: MIT */
#include "master/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "master/exit_text.h"
#include "worker/contract.h"
#include "worker/worker.h"

#define TELL_FULL_MS 60000
#define EARLY_MS 1000 /* a worker that served nobody and lived shorter than this has failed */

static struct log_about about(const struct pool *pool)
{
	return (struct log_about){.service = pool->service->name};
}

int pool_open(struct pool *pool, const struct config *config, const struct config_service *service,
	      struct listener *listeners, size_t n_listeners, struct proc **by_pid, int dead,
	      struct err *err)
{
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
	pool->drift = calloc(n_listeners, sizeof(*pool->drift));
	if (pool->lanes == NULL || pool->drift == NULL) {
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
	free(pool->drift);
	fd_close(&pool->ring);
	*pool = (struct pool){.ring = -1};
}

static struct board_slot *slot_of(const struct proc *proc)
{
	return &proc->pool->board.slots[proc->slot];
}

static enum slot_state state_of(const struct proc *proc)
{
	return (enum slot_state)atomic_load_explicit(&slot_of(proc)->state, memory_order_acquire);
}

/* Adds PROC to what it counts as. An unknown state is what a crash left: it is about to be reaped. */
static void count_proc(const struct proc *proc, struct policy_lane *lane)
{
	if (proc->leaving) {
		lane->leaving++;
		return;
	}
	switch (state_of(proc)) {
	case SLOT_STARTING:
		lane->starting++;
		break;
	case SLOT_IDLE:
		lane->idle++;
		break;
	case SLOT_BUSY:
		lane->busy++;
		break;
	case SLOT_FREE:
	case SLOT_LEAVING:
		lane->leaving++;
		break;
	}
	if (atomic_load_explicit(&slot_of(proc)->spent, memory_order_relaxed) && !proc->succeeded)
		lane->spent++;
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
		count_proc(proc, &pool->lanes[proc->lane]);
}

struct pool_counts pool_count(const struct pool *pool, ssize_t lane)
{
	struct policy_lane sum = {.start = 0};
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (lane < 0 || proc->lane == (size_t)lane)
			count_proc(proc, &sum);
	return (struct pool_counts){
		.starting = sum.starting,
		.idle = sum.idle,
		.busy = sum.busy,
		.leaving = sum.leaving,
	};
}

static void add_slot(struct pool_totals *totals, const struct board_slot *slot)
{
	totals->accepted += atomic_load(&slot->accepted);
	totals->failed += atomic_load(&slot->failed);
	totals->bytes_in += atomic_load(&slot->bytes_in);
	totals->bytes_out += atomic_load(&slot->bytes_out);
}

struct pool_totals pool_totals(const struct pool *pool)
{
	struct pool_totals totals = pool->gone;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		add_slot(&totals, slot_of(proc));
	return totals;
}

bool pool_all_ready(const struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->ready)
			return false;
	return pool->procs != NULL;
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
	struct log_about who = about(pool);
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

static void tell_to_leave(struct proc *proc)
{
	proc->leaving = true;
	(void)kill(proc->pid, WORKER_SIGNAL_RETIRE);
}

/* Those who started and are now seen at work; their predecessors may go. */
static void notice_ready(struct pool *pool, int64_t now)
{
	int64_t patience = pool->service->timeouts.start;
	struct log_about who = about(pool);
	struct proc *proc, *old;

	DL_FOREACH (pool->procs, proc) {
		if (proc->ready)
			continue;
		if (state_of(proc) == SLOT_STARTING) {
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
			tell_to_leave(old);
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
		if (proc->lane == lane && !proc->leaving && state_of(proc) == SLOT_IDLE) {
			tell_to_leave(proc);
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
		    atomic_load(&slot_of(proc)->spent))
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
	struct log_about who = about(pool);

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

		if (drift != 0 && drift == pool->drift[i]) {
			(void)atomic_fetch_add(idle, drift);
			drift = 0;
		}
		pool->drift[i] = drift;
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
	if (tick)
		mend_idle(pool);
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

/* The slot outlives its worker, so that it can be said whom a crash has hit. */
static void tell_gone(struct pool *pool, const struct proc *proc, int status, bool failed)
{
	struct log_about who = about(pool);
	char how[128], peer[ADDR_TEXT_MAX];
	struct sockaddr_any addr;

	exit_text(status, how, sizeof(how));
	who.worker = proc->pid;
	if (WIFSIGNALED(status) && state_of(proc) == SLOT_BUSY) {
		board_peer_get(slot_of(proc), &addr);
		who.peer = addr_format(&addr, peer, sizeof(peer));
	}
	if (WIFSIGNALED(status) && proc->kill_ms == 0)
		log_about(LOG_ERR, &who, "worker %d %s%s", (int)proc->pid, how,
			  who.peer != NULL ? " while it served this client" : "");
	else if (failed)
		log_about(LOG_ERR, &who, "worker %d %s before it could serve", (int)proc->pid, how);
	else
		log_about(LOG_DEBUG, &who, "worker %d %s", (int)proc->pid, how);
}

void pool_worker_gone(struct pool *pool, struct proc *proc, int status)
{
	struct board_slot *slot = slot_of(proc);
	bool told = proc->leaving || proc->kill_ms != 0;
	bool early = atomic_load(&slot->accepted) == 0 && state_of(proc) != SLOT_BUSY &&
		     clock_ms() - proc->started_ms < EARLY_MS;
	bool failed = !pool->stopping && !proc->leaving &&
		      (!proc->ready || status != 0) && (early || state_of(proc) == SLOT_STARTING);

	tell_gone(pool, proc, status, failed);
	if (WIFSIGNALED(status) && !told)
		pool->gone.crashes++;
	if (failed) {
		pool_policy_failed(&pool->policy, clock_ms());
		if (!pool->proved)
			pool->failed_start = true;
	}
	if (state_of(proc) == SLOT_IDLE) /* it took its place among the idle with it */
		(void)atomic_fetch_sub(&pool->board.lanes[proc->lane].idle, 1);
	add_slot(&pool->gone, slot);
	board_slot_free(&pool->board, proc->slot);
	HASH_DELETE(by_pid, *pool->by_pid, proc);
	DL_DELETE(pool->procs, proc);
	pool->n_procs--;
	free(proc);
}

void pool_retire(struct pool *pool, ssize_t lane)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->leaving && (lane < 0 || proc->lane == (size_t)lane))
			tell_to_leave(proc);
}

void pool_cut(struct pool *pool, const char *why)
{
	struct log_about who = about(pool);
	char peer[ADDR_TEXT_MAX];
	struct sockaddr_any addr;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->kill_ms != 0)
			continue;
		if (state_of(proc) == SLOT_BUSY) {
			board_peer_get(slot_of(proc), &addr);
			who.peer = addr_format(&addr, peer, sizeof(peer));
			who.worker = proc->pid;
			log_about(LOG_WARNING, &who, "cut: %s", why);
		}
		proc->leaving = true;
		proc->kill_ms = clock_ms() + WORKER_CUT_GRACE_MS;
		(void)kill(proc->pid, WORKER_SIGNAL_CUT);
	}
}

int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms)
{
	struct log_about who = about(pool);
	int64_t next = 0;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->kill_ms == 0)
			continue;
		if (now_ms >= proc->kill_ms) {
			log_about(LOG_ERR, &who, "worker %d did not leave; killed", (int)proc->pid);
			(void)kill(proc->pid, SIGKILL);
			proc->kill_ms = now_ms + WORKER_CUT_GRACE_MS;
		}
		if (next == 0 || proc->kill_ms < next)
			next = proc->kill_ms;
	}
	return next;
}
