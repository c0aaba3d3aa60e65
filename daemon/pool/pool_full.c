/* SPDX-License-Identifier: MIT */
#include "pool/pool_full.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/parse.h"
#include "config/config.h"
#include "net/listen_queue.h"
#include "pool/pool.h"
#include "worker/contract.h"

#define ADVICE_MS     60000
#define EVICTED_MS    10000
#define BATCH	      1024 /* most signals that one look sends */
#define PAUSE_WORKERS 100  /* the pause between two looks grows by a millisecond for so many workers */
#define HEARD_MOST    64

struct victim {
	struct proc *proc;
	int64_t since; /* a copy: the board may change while victims are sorted */
	uint32_t turn;
};

int pool_full_new(struct pool *pool, struct err *err)
{
	struct pool_full *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(err, "no memory for a pool");
	*f = (struct pool_full){.queues = -1, .evicts = pool->service->workers.on_full == ON_FULL_EVICT};
	pool->full = f;
	f->rings = calloc(pool->n_lanes, sizeof(*f->rings));
	f->watched = calloc(pool->n_lanes, sizeof(*f->watched));
	if (f->evicts)
		f->victims = calloc(pool->board.n_slots, sizeof(*f->victims));
	if (f->rings == NULL || f->watched == NULL || (f->evicts && f->victims == NULL))
		return err_set(err, "no memory for a pool");
	if (!f->evicts)
		return 0;
	f->queues = epoll_create1(EPOLL_CLOEXEC);
	return f->queues >= 0 ? 0 : err_sys(err, "cannot create an epoll instance");
}

void pool_full_free(struct pool *pool)
{
	struct pool_full *f = pool->full;

	pool->full = NULL;
	if (f == NULL)
		return;
	(void)sd_event_source_disable_unref(f->queue_source);
	(void)sd_event_source_disable_unref(f->timer);
	free(f->victims);
	free(f->rings);
	free(f->watched);
	fd_close(&f->queues);
	free(f);
}

int pool_full_watch(struct pool *pool, sd_event_io_handler_t on_queue, sd_event_time_handler_t on_time, struct err *err)
{
	struct pool_full *f = pool->full;
	int rc;

	if (!f->evicts)
		return 0;
	rc = sd_event_add_io(pool->event, &f->queue_source, f->queues, EPOLLIN, on_queue, pool);
	if (rc >= 0)
		rc = sd_event_add_time(pool->event, &f->timer, CLOCK_MONOTONIC, 0, 1000, on_time, pool);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
	if (rc >= 0)
		return 0;
	return err_code(err, -rc, "cannot watch the queues of a pool");
}

/*
 * The listeners are in an epoll instance of the pool's own. The loop's instance would not take the same socket for two
 * generations of a service, and would have to be told of each listener that is closed, lent, or bound anew. Here a
 * listener that was forgotten can at worst cause one needless look.
 */
static void watch_queue(struct pool *pool, size_t lane, bool on)
{
	struct epoll_event event = {.events = (on ? EPOLLIN : 0U) | EPOLLONESHOT, .data.u64 = lane};
	struct pool_full *f = pool->full;
	int fd = pool->listeners[lane].fd;

	if (!on && !f->watched[lane])
		return;
	/* at each look again, because the lane may have another socket by now */
	f->watched[lane] = on;
	if (epoll_ctl(f->queues, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT && on)
		(void)epoll_ctl(f->queues, EPOLL_CTL_ADD, fd, &event); /* on an error the tick looks */
}

void pool_full_heard(struct pool *pool)
{
	struct epoll_event events[HEARD_MOST];
	int n = epoll_wait(pool->full->queues, events, HEARD_MOST, 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.u64 < pool->n_lanes)
			pool->full->watched[events[i].data.u64] = false;
}

static void look_again(struct pool *pool, int64_t now_ms)
{
	int64_t at = now_ms + FULL_PAUSE_MS + (int64_t)pool->n_procs / PAUSE_WORKERS;

	if (pool->full->timer == NULL)
		return; /* the tick looks */
	(void)sd_event_source_set_time(pool->full->timer, (uint64_t)at * 1000);
	(void)sd_event_source_set_enabled(pool->full->timer, SD_EVENT_ONESHOT);
}

static int64_t count_queued(const struct pool *pool, size_t lane)
{
	struct listen_queue queue;

	if (!pool->lanes[lane].pending)
		return 0;
	if (listen_queue(pool->listeners[lane].fd, &queue) < 0 || queue.queued < 1)
		return 1; /* at least: the kernel does not tell */
	return queue.queued;
}

static int by_age(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	return (x->since > y->since) - (x->since < y->since);
}

/*
 * Collects the workers of LANE whose clients may be evicted, and returns their number. *under_way_out: how many workers
 * were asked to evict their client a moment ago and have not answered.
 */
static size_t collect_victims(struct pool *pool, size_t lane, int64_t now_ms, int64_t *under_way_out)
{
	struct victim *victims = pool->full->victims;
	struct proc *proc;
	size_t n = 0;

	*under_way_out = 0;
	DL_FOREACH (pool->procs, proc) {
		const struct board_slot *slot = proc_slot(proc);
		uint32_t turn = atomic_load(&slot->turn);
		bool asked = proc->evict_ms != 0 && proc->evict_turn == turn;
		int64_t since;

		if (proc->lane != lane || proc->kill_ms != 0 || proc_state(proc) != SLOT_BUSY ||
		    atomic_load_explicit(&slot->greeted, memory_order_acquire) != 0)
			continue;
		since = atomic_load(&slot->silent_since_ms);
		if (asked && now_ms - proc->evict_ms < FULL_ANSWER_MS)
			++*under_way_out;
		else if (since > 0 && now_ms - since >= FULL_YOUNG_MS && n < pool->board.n_slots)
			/* a worker that did not answer comes last: its program may not end when it is asked to */
			victims[n++] = (struct victim){proc, asked ? INT64_MAX : since, turn};
	}
	return n;
}

/* Asks workers of LANE to evict their clients. True: some worker of LANE is about to be free. */
static bool make_room(struct pool *pool, size_t lane, int64_t now_ms)
{
	struct victim *victims = pool->full->victims;
	int64_t under_way, want = count_queued(pool, lane);
	size_t n = collect_victims(pool, lane, now_ms, &under_way);

	want -= under_way;
	if (want > BATCH)
		want = BATCH;
	if (want <= 0 || n == 0)
		return under_way > 0;
	qsort(victims, n, sizeof(*victims), by_age);
	for (size_t i = 0; i < n && (int64_t)i < want; i++) {
		struct proc *proc = victims[i].proc;
		const union sigval turn = {.sival_int = (int)victims[i].turn};

		if (sigqueue(proc->pid, WORKER_SIGNAL_EVICT, turn) < 0)
			continue; /* no memory for the signal: the next look tries again */
		proc->evict_ms = now_ms;
		proc->evict_turn = victims[i].turn;
	}
	return true;
}

/* An idle worker of some lane leaves, so that another lane can have one more. */
static bool is_moving(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->lanes[i].stop > 0)
			return true;
	return false;
}

static void step_lane(struct pool *pool, size_t lane, bool full, int64_t now_ms)
{
	const struct policy_lane *l = &pool->lanes[lane];
	struct pool_full *f = pool->full;

	f->rings[lane] = true;
	if (l->idle > 0 || l->starting > 0 || l->start > 0) {
		watch_queue(pool, lane, false); /* the last idle worker rings when it becomes busy */
	} else if (!l->pending) {
		f->rings[lane] = false;
		if (!pool_winds_down(pool)) /* a listener that is shut looks readable, but no client comes */
			watch_queue(pool, lane, true);
	} else {
		/* workers that are freed take the clients that wait, and the last of them rings */
		f->rings[lane] = full && !is_moving(pool) && make_room(pool, lane, now_ms);
		look_again(pool, now_ms);
	}
}

void pool_full_step(struct pool *pool, bool full, int64_t now_ms)
{
	struct pool_full *f = pool->full;
	int64_t waiting = 0;

	if (f == NULL) /* the pool is from another image */
		return;
	for (size_t i = 0; i < pool->n_lanes; i++)
		f->rings[i] = false;
	if (full) {
		f->seen = true;
		if (f->since_ms == 0)
			f->since_ms = now_ms;
		for (size_t i = 0; i < pool->n_lanes; i++)
			waiting += count_queued(pool, i);
		if (waiting > f->most)
			f->most = waiting;
	}
	if (!f->evicts || (int64_t)pool->n_procs < pool->limits.max)
		return;
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].fd >= 0 && !pool->listeners[i].refusing)
			step_lane(pool, i, full, now_ms);
}

bool pool_full_may_ring(const struct pool *pool, size_t lane)
{
	return pool->full != NULL && pool->full->rings[lane];
}

/* ---- what is logged ---- */

static void add_counts(const struct counts *counts, uint64_t *away, uint64_t *evicted)
{
	uint64_t n = counts->refused[REFUSED_EVICTED];

	*evicted += n;
	*away += n + counts->refused[REFUSED_FULL] + counts->refused[REFUSED_QUEUED_SILENT];
}

void pool_full_gone(struct pool *pool, const struct counts *counts)
{
	if (pool->full != NULL)
		add_counts(counts, &pool->full->gone_away, &pool->full->gone_evicted);
}

static void log_evicted(struct pool *pool, uint64_t evicted, int64_t now_ms)
{
	struct log_about about = pool_about(pool);
	struct pool_full *f = pool->full;

	if (evicted <= f->evicted_told || (f->evicted_told_ms != 0 && now_ms - f->evicted_told_ms < EVICTED_MS))
		return;
	about.message_id = MESSAGE_ID_EVICTED;
	log_about(LOG_NOTICE, &about,
		  "evicted: %" PRIu64 " clients that had sent nothing gave way to others (workers.on_full)",
		  evicted - f->evicted_told);
	f->evicted_told = evicted;
	f->evicted_told_ms = now_ms;
}

/* The advice: the setting, its value, and how many clients wait because of it. */
static void log_advice(struct pool *pool, uint64_t away, int64_t now_ms)
{
	struct log_about about = pool_about(pool);
	struct pool_full *f = pool->full;
	int64_t *last_ms = &pool->totals->last_full_advice_ms;
	char span[32], more[64] = "";
	int64_t waiting = 0, seconds = 0;

	if ((!f->seen && away <= f->away_told) || (*last_ms != 0 && now_ms - *last_ms < ADVICE_MS))
		return;
	for (size_t i = 0; i < pool->n_lanes; i++)
		waiting += count_queued(pool, i);
	if (waiting > f->most)
		f->most = waiting;
	if (f->since_ms != 0)
		seconds = (now_ms - f->since_ms + 500) / 1000;
	format_elapsed((seconds > 0 ? seconds : 1) * 1000, span, sizeof(span));
	if (away > f->away_told)
		(void)snprintf(more, sizeof(more), ", and %" PRIu64 " were turned away", away - f->away_told);
	about.message_id = MESSAGE_ID_POOL_FULL;
	log_about(LOG_WARNING, &about,
		  "all workers are busy (workers.max = %" PRId64 "): %" PRId64
		  " clients wait in the queue now, %" PRId64
		  " at most in the last %s%s; raise workers.max, or see workers.on_full",
		  pool->limits.max, waiting, f->most, span, more);
	*last_ms = now_ms;
	f->since_ms = now_ms;
	f->most = 0;
	f->away_told = away;
	f->seen = false;
}

void pool_full_tick(struct pool *pool, int64_t now_ms)
{
	const struct proc *proc;
	uint64_t away, evicted;

	if (pool->full == NULL)
		return;
	away = pool->full->gone_away;
	evicted = pool->full->gone_evicted;
	DL_FOREACH (pool->procs, proc)
		add_counts(&proc->seen, &away, &evicted);
	log_evicted(pool, evicted, now_ms);
	log_advice(pool, away, now_ms);
}
