/* SPDX-License-Identifier: MIT */
#include "master/stop.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/parse.h"
#include "config/config.h"
#include "master/report.h"
#include "master/state.h"
#include "net/queue.h"

#define STEP_MS 20 /* how often a stopping master looks at the queues */

/*
 * A lane whose queue is empty is closed for good, at once: every further moment could let one more client in whom
 * nobody would serve. An inherited listener's queue belongs to whoever gave it to us.
 */
static void close_lane(struct pool *pool, size_t lane)
{
	pool_retire(pool, (ssize_t)lane);
	listener_close(&pool->listeners[lane]);
}

static void drain_lane(struct pool *pool, size_t lane)
{
	struct listener *listener = &pool->listeners[lane];
	struct pool_counts n;

	if (listener->fd < 0)
		return;
	if (listener->inherited || !listen_pending(listener->fd)) {
		close_lane(pool, lane);
		return;
	}
	/* those that finished saw an empty queue and left, and then a client slipped in */
	n = pool_count(pool, (ssize_t)lane);
	if (n.starting + n.idle + n.busy == 0)
		(void)pool_start_worker(pool, lane, 0);
}

static bool lanes_open(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].fd >= 0)
			return true;
	return false;
}

/* Those who never got a worker are not on the board: say at least how many. */
static void tell_queued(const struct pool *pool, const struct listener *listener, const char *why)
{
	struct log_about who = pool_about(pool);
	struct listen_queue queue;

	if (listener->fd < 0 || listener->inherited || !listen_pending(listener->fd))
		return;
	if (listen_queue(listener->fd, &queue) == 0 && queue.queued >= 0)
		log_about(LOG_WARNING, &who, "%s: %lld queued clients are cut: %s", listener->text,
			  (long long)queue.queued, why);
	else
		log_about(LOG_WARNING, &who, "%s: queued clients are cut: %s", listener->text, why);
}

static void give_up_pool(struct pool *pool, const char *why)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		tell_queued(pool, &pool->listeners[i], why);
		listener_close(&pool->listeners[i]);
	}
	pool_cut(pool, why);
}

static void check_drain(struct master *master, struct pool *pool, int64_t now)
{
	int64_t limit = pool->service->timeouts.drain;
	char text[32], why[128];

	if (limit == 0 || now - master->stop_ms < limit)
		return;
	format_duration(limit, text, sizeof(text));
	(void)snprintf(why, sizeof(why), "still there %s after the stop began (timeouts.drain)", text);
	give_up_pool(pool, why);
}

void stop_step(struct master *master)
{
	int64_t now = clock_ms();
	bool left = false;

	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool *pool = &master->pools[i];

		for (size_t lane = 0; lane < pool->n_lanes; lane++)
			drain_lane(pool, lane);
		if (lanes_open(pool)) /* more hands for a long queue */
			pool_look_after(pool, false);
		check_drain(master, pool, now);
		pool_kill_hung(pool, now);
		(void)pool_kill_overdue(pool, now);
		left = left || pool->procs != NULL || lanes_open(pool);
	}
	if (!left)
		(void)sd_event_exit(master->event, master->exit_status);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct master *master = userdata;

	(void)usec;
	stop_step(master);
	report_status(master);
	(void)sd_event_source_set_time_relative(source, STEP_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void stop_begin(struct master *master, int status)
{
	master->phase = MASTER_STOPPING;
	master->stop_ms = clock_ms();
	master->exit_status = status;
	notify_send("STOPPING=1");
	log_msg(LOG_NOTICE, "stopping: serving who is queued, waiting for who is connected");
	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool *pool = &master->pools[i];

		pool->stopping = true;
		if (pool->board.head != NULL)
			atomic_store(&pool->board.head->draining, 1);
		for (size_t lane = 0; lane < pool->n_lanes; lane++)
			listener_quiesce(&pool->listeners[lane]);
	}
	if (sd_event_add_time_relative(master->event, &master->stop_timer, CLOCK_MONOTONIC, 0,
				       1000, on_timer, master) < 0)
		stop_now(master, "no memory for an orderly stop");
	report_status(master);
}

void stop_now(struct master *master, const char *why)
{
	for (size_t i = 0; i < master->n_pools; i++)
		give_up_pool(&master->pools[i], why);
}
