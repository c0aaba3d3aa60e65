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
#include "pool/copies.h"
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_start.h"
#include "pool/program.h"

#define LET_GO_MS 1000 /* time for a program that was retired to close its listener */

/* No client will be taken out of the queue of LISTENER any more. */
static bool is_shut(const struct listener *listener)
{
	return listener->fd < 0 || listener->refusing;
}

/*
 * To be called as soon as the queue is empty: with every further moment another client may enter it, and no worker
 * would serve that client. The queue of an inherited listener belongs to the process that gave us the listener.
 */
static void shut_lane(struct pool *pool, size_t lane)
{
	pool_retire(pool, (ssize_t)lane);
	if (pool->state == POOL_ENDING)
		listener_close(&pool->listeners[lane]);
	else
		listener_refuse(&pool->listeners[lane]);
}

/* Some program may still accept at LANE, perhaps one of another generation of the service: it was not retired, or only
 * a moment ago. */
static bool has_takers(const struct pool *pool, size_t lane, int64_t now)
{
	const struct proc *proc, *next;

	HASH_ITER (by_pid, *pool->by_pid, proc, next)
		if (proc->pool->totals == pool->totals &&
		    copies_find_lane(pool, proc->pool, proc->lane) == (ssize_t)lane &&
		    (!proc->leaving || now - proc->retire_ms < LET_GO_MS))
			return true;
	return false;
}

/*
 * A program whose listener is shut down while it accepts would see an error and might crash. So the program is retired
 * first, and its listener is shut when the program has ended, or has had LET_GO_MS to close its copy.
 */
static void drain_programs(struct pool *pool, size_t lane, bool empty, int64_t now)
{
	if (empty)
		pool_retire(pool, (ssize_t)lane);
	if (has_takers(pool, lane, now))
		return;
	if (empty || pool->generation == NULL)
		shut_lane(pool, lane);
	else if (pool_throttled(pool, now) == 0)
		(void)pool_start_worker(pool, lane); /* for clients that came after the queue was seen empty */
}

static void drain_lane(struct pool *pool, size_t lane, int64_t now)
{
	const struct listener *listener = &pool->listeners[lane];
	struct pool_counts n;
	bool empty;

	if (listener->fd < 0)
		return;
	empty = listener->inherited || listener->refusing || !listener->listening || listener_is_empty(listener);
	if (!empty && pool_rests(pool)) /* the queued clients wait for the resume */
		return;
	if (pool->service->program.runs) {
		drain_programs(pool, lane, empty, now);
		return;
	}
	if (empty) {
		shut_lane(pool, lane);
		return;
	}
	/* The workers saw an empty queue and left, and a client came after that. */
	n = pool_count(pool, (ssize_t)lane);
	if (n.starting + n.idle + n.busy == 0 && pool_start_worker(pool, lane) == NULL && pool->generation == NULL)
		shut_lane(pool, lane); /* a pool from another image: no worker can be started for the queue */
}

bool wind_down_is_busy(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (!is_shut(&pool->listeners[i]) && !pool->listeners[i].inherited)
			return true;
	return false;
}

/* Clients that are still in the queue are not on the board, so pool_cut() does not name them: logs their number. */
static void log_queued(const struct pool *pool, const struct listener *listener, const char *why)
{
	struct log_about about = pool_about(pool);
	struct listen_queue queue;

	if (is_shut(listener) || listener->inherited || !listener->listening || !listen_pending(listener->fd))
		return;
	if (listen_queue(listener->fd, &queue) == 0 && queue.queued >= 0)
		log_about(LOG_WARNING, &about, "%s: %lld queued clients are cut: %s", listener->text,
			  (long long)queue.queued, why);
	else
		log_about(LOG_WARNING, &about, "%s: queued clients are cut: %s", listener->text, why);
}

void wind_down_now(struct pool *pool, const char *why)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		log_queued(pool, &pool->listeners[i], why);
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
	pool_publish(pool);
	for (size_t lane = 0; lane < pool->n_lanes; lane++)
		drain_lane(pool, lane, now_ms);
	if (pool->service->program.runs)
		program_step(pool, now_ms);
	else if (wind_down_is_busy(pool)) /* starts more workers for a long queue */
		pool_look_after(pool, false);
	pool_kill_hung(pool, now_ms);
	(void)pool_kill_overdue(pool, now_ms);
	if (pool->state == POOL_ENDING) {
		check_drain(pool, now_ms);
		return pool->procs == NULL && !wind_down_is_busy(pool);
	}
	if (!wind_down_is_busy(pool))
		pool->state = POOL_DRAINED;
	return pool->state == POOL_DRAINED || pool_rests(pool);
}

void wind_down_begin(struct pool *pool, enum pool_state state, const char *occasion)
{
	pool->state = state;
	pool->wind_down_ms = clock_ms();
	pool->occasion = occasion;
	pool_publish(pool);
	for (size_t lane = 0; lane < pool->n_lanes; lane++) {
		struct listener *listener = &pool->listeners[lane];

		if (listener->fd < 0) /* the successor has taken it */
			pool_retire(pool, (ssize_t)lane);
		else if (!listener->refusing)
			listener_quiesce(listener, state == POOL_ENDING);
	}
}

bool wind_down_may_undo(const struct pool *pool, bool sockets_are_ours)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (!listener_may_return(&pool->listeners[i], sockets_are_ours))
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
	pool->state = POOL_SERVING;
	pool_publish(pool);
	return rc;
}
