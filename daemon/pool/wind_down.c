/* SPDX-License-Identifier: MIT */
#include "pool/wind_down.h"

#include <stdio.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/parse.h"
#include "config/config.h"
#include "net/listen_queue.h"
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_start.h"
#include "pool/program.h"

#define LET_GO_MS 1000 /* for a program that was told to leave to close its listener */

/* Nothing more comes out of this lane's queue. */
static bool is_shut(const struct listener *listener)
{
	return listener->fd < 0 || listener->refusing;
}

/*
 * A lane whose queue is empty is shut at once: every further moment could let one more client in whom
 * nobody would serve. An inherited listener's queue belongs to whoever gave it to us.
 */
static void shut_lane(struct pool *pool, size_t lane)
{
	pool_retire(pool, (ssize_t)lane);
	if (pool->state == POOL_ENDING)
		listener_close(&pool->listeners[lane]);
	else
		listener_refuse(&pool->listeners[lane]);
}

/* One that was not told to leave, or was just now. */
static bool has_takers(const struct pool *pool, size_t lane)
{
	int64_t now = clock_ms();
	const struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (proc->lane == lane && (!proc->leaving || now - proc->retire_ms < LET_GO_MS))
			return true;
	return false;
}

/*
 * A program would take a listener that is shut under its feet for an error of its own: it is told to leave first, and
 * the listener goes when it has gone, or has had the time to let it go.
 */
static void drain_programs(struct pool *pool, size_t lane)
{
	const struct listener *listener = &pool->listeners[lane];
	bool empty = listener->inherited || listener->refusing || !listener->listening || listener_is_empty(listener);

	if (empty)
		pool_retire(pool, (ssize_t)lane);
	if (has_takers(pool, lane))
		return;
	if (empty || pool->generation == NULL)
		shut_lane(pool, lane);
	else if (pool_throttled(pool, clock_ms()) == 0)
		(void)pool_start_worker(pool, lane); /* for those who slipped in */
}

static void drain_lane(struct pool *pool, size_t lane)
{
	struct listener *listener = &pool->listeners[lane];
	struct pool_counts n;

	if (listener->fd < 0)
		return;
	if (pool->service->program.runs) {
		drain_programs(pool, lane);
		return;
	}
	if (listener->inherited || listener->refusing || !listener->listening || listener_is_empty(listener)) {
		shut_lane(pool, lane);
		return;
	}
	/* those that finished saw an empty queue and left, and then a client slipped in */
	n = pool_count(pool, (ssize_t)lane);
	if (n.starting + n.idle + n.busy == 0 && pool_start_worker(pool, lane) == NULL && pool->generation == NULL)
		shut_lane(pool, lane); /* nobody will ever serve them */
}

bool wind_down_is_busy(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (!is_shut(&pool->listeners[i]) && !pool->listeners[i].inherited)
			return true;
	return false;
}

/* Those who never got a worker are not on the board: say at least how many. */
static void tell_queued(const struct pool *pool, const struct listener *listener, const char *why)
{
	struct log_about who = pool_about(pool);
	struct listen_queue queue;

	if (is_shut(listener) || listener->inherited || !listener->listening || !listen_pending(listener->fd))
		return;
	if (listen_queue(listener->fd, &queue) == 0 && queue.queued >= 0)
		log_about(LOG_WARNING, &who, "%s: %lld queued clients are cut: %s", listener->text,
			  (long long)queue.queued, why);
	else
		log_about(LOG_WARNING, &who, "%s: queued clients are cut: %s", listener->text, why);
}

void wind_down_now(struct pool *pool, const char *why)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		tell_queued(pool, &pool->listeners[i], why);
		listener_close(&pool->listeners[i]);
	}
	pool_cut(pool, why);
	pool->cut = true;
}

static void check_drain(struct pool *pool, int64_t now)
{
	int64_t limit = pool->service->timeouts.drain;
	char text[32], why[128];

	if (limit == 0 || pool->cut || now - pool->wind_down_ms < limit)
		return;
	format_duration(limit, text, sizeof(text));
	(void)snprintf(why, sizeof(why), "still there %s after the %s began (timeouts.drain)", text, pool->occasion);
	wind_down_now(pool, why);
}

bool wind_down_step(struct pool *pool, int64_t now_ms)
{
	for (size_t lane = 0; lane < pool->n_lanes; lane++)
		drain_lane(pool, lane);
	if (pool->service->program.runs)
		program_step(pool, now_ms);
	else if (wind_down_is_busy(pool)) /* more hands for a long queue */
		pool_look_after(pool, false);
	pool_kill_hung(pool, now_ms);
	(void)pool_kill_overdue(pool, now_ms);
	if (pool->state == POOL_ENDING) {
		check_drain(pool, now_ms);
		return pool->procs == NULL && !wind_down_is_busy(pool);
	}
	if (!wind_down_is_busy(pool))
		pool->state = POOL_DRAINED;
	return pool->state == POOL_DRAINED;
}

void wind_down_begin(struct pool *pool, enum pool_state state, const char *occasion)
{
	pool->state = state;
	pool->wind_down_ms = clock_ms();
	pool->occasion = occasion;
	if (pool->board.head != NULL)
		atomic_store(&pool->board.head->draining, 1);
	for (size_t lane = 0; lane < pool->n_lanes; lane++) {
		struct listener *listener = &pool->listeners[lane];

		if (listener->fd < 0) /* a successor has it */
			pool_retire(pool, (ssize_t)lane);
		else if (!listener->refusing)
			listener_quiesce(listener, state == POOL_ENDING);
	}
}

bool wind_down_may_undo(const struct pool *pool, bool alone)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (!listener_may_return(&pool->listeners[i], alone))
			return false;
	return true;
}

int wind_down_undo(struct pool *pool, struct err *err)
{
	struct err why;
	int rc = 0;

	for (size_t i = 0; i < pool->n_lanes; i++) {
		if (listener_readmit(&pool->listeners[i], pool->service, &why) == 0)
			continue;
		*err = why;
		rc = -1;
	}
	if (pool->board.head != NULL)
		atomic_store(&pool->board.head->draining, 0);
	pool->state = POOL_SERVING;
	return rc;
}
