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

#define TELL_FULL_MS	60000
#define TELL_EVICTED_MS 10000
#define BATCH		1024 /* signals of one look */
#define PAUSE_WORKERS	100  /* for so many workers a look may be a millisecond later */
#define HEARD_MOST	64

struct victim {
	struct proc *proc;
	int64_t since; /* a copy, for what is on the board may change while it is sorted */
	uint32_t turn;
};

int pool_full_init(struct pool *pool, struct err *err)
{
	struct pool_full *f = &pool->full;

	*f = (struct pool_full){.queues = -1, .evicts = pool->service->workers.on_full == ON_FULL_EVICT};
	f->rings = calloc(pool->n_lanes, sizeof(*f->rings));
	f->watched = calloc(pool->n_lanes, sizeof(*f->watched));
	if (f->rings == NULL || f->watched == NULL)
		return err_set(err, "no memory for a pool");
	if (!f->evicts)
		return 0;
	f->victims = calloc(pool->board.n_slots, sizeof(*f->victims));
	if (f->victims == NULL)
		return err_set(err, "no memory for a pool");
	f->queues = epoll_create1(EPOLL_CLOEXEC);
	if (f->queues < 0)
		return err_sys(err, "cannot create an epoll instance");
	return 0;
}

void pool_full_clear(struct pool *pool)
{
	struct pool_full *f = &pool->full;

	f->queue_source = sd_event_source_disable_unref(f->queue_source);
	f->timer = sd_event_source_disable_unref(f->timer);
	free(f->victims);
	free(f->rings);
	free(f->watched);
	*f = (struct pool_full){.queues = f->queues};
	fd_close(&f->queues);
}

int pool_full_watch(struct pool *pool, sd_event_io_handler_t on_queue, sd_event_time_handler_t on_time, struct err *err)
{
	struct pool_full *f = &pool->full;
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
	errno = -rc;
	return err_sys(err, "cannot watch the queues of a pool");
}

/*
 * The listeners are in an epoll instance of our own: the loop's would not take the same socket for two generations of a
 * service, and would have to be told of each that is closed, lent, or bound anew. Here the worst that a forgotten one
 * can do is to be heard once more.
 */
static void watch_queue(struct pool *pool, size_t lane, bool on)
{
	struct epoll_event event = {.events = (on ? EPOLLIN : 0U) | EPOLLONESHOT, .data.u64 = lane};
	struct pool_full *f = &pool->full;
	int fd = pool->listeners[lane].fd;

	if (!on && !f->watched[lane])
		return;
	/* at each look anew: it may be another socket by now */
	f->watched[lane] = on;
	if (epoll_ctl(f->queues, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT && on)
		(void)epoll_ctl(f->queues, EPOLL_CTL_ADD, fd, &event); /* or else the tick looks */
}

void pool_full_heard(struct pool *pool)
{
	struct epoll_event events[HEARD_MOST];
	int n = epoll_wait(pool->full.queues, events, HEARD_MOST, 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.u64 < pool->n_lanes)
			pool->full.watched[events[i].data.u64] = false;
}

static void look_again(struct pool *pool, int64_t now_ms)
{
	int64_t at = now_ms + FULL_PAUSE_MS + (int64_t)pool->n_procs / PAUSE_WORKERS;

	if (pool->full.timer == NULL)
		return; /* the tick looks */
	(void)sd_event_source_set_time(pool->full.timer, (uint64_t)at * 1000);
	(void)sd_event_source_set_enabled(pool->full.timer, SD_EVENT_ONESHOT);
}

static int64_t queued(const struct pool *pool, size_t lane)
{
	struct listen_queue queue;

	if (!pool->lanes[lane].pending)
		return 0;
	if (listen_queue(pool->listeners[lane].fd, &queue) < 0 || queue.queued < 1)
		return 1; /* at least */
	return queue.queued;
}

static int by_age(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	return (x->since > y->since) - (x->since < y->since);
}

/* Who of LANE may give way, and be it to a successor of the worker; *under_way_out: how many were told so already and
 * are still there. */
static size_t choose(struct pool *pool, size_t lane, int64_t now_ms, int64_t *under_way_out)
{
	struct victim *victims = pool->full.victims;
	struct proc *proc;
	size_t n = 0;

	*under_way_out = 0;
	DL_FOREACH (pool->procs, proc) {
		const struct board_slot *slot = proc_slot(proc);
		uint32_t turn = atomic_load(&slot->turn);
		bool told = proc->evict_ms != 0 && proc->evict_turn == turn;
		int64_t since;

		if (proc->lane != lane || proc->kill_ms != 0 || proc_state(proc) != SLOT_BUSY ||
		    atomic_load_explicit(&slot->greeted, memory_order_acquire) != 0)
			continue;
		since = atomic_load(&slot->silent_since_ms);
		if (told && now_ms - proc->evict_ms < FULL_ANSWER_MS)
			++*under_way_out;
		else if (since > 0 && now_ms - since >= FULL_YOUNG_MS && n < pool->board.n_slots)
			/* who was told in vain comes last: a program may not end when it is told to */
			victims[n++] = (struct victim){proc, told ? INT64_MAX : since, turn};
	}
	return n;
}

/* True: some worker of LANE is about to be free. */
static bool make_room(struct pool *pool, size_t lane, int64_t now_ms)
{
	struct victim *victims = pool->full.victims;
	int64_t under_way, want = queued(pool, lane);
	size_t n = choose(pool, lane, now_ms, &under_way);

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
			continue; /* no memory for it: the next look tries again */
		proc->evict_ms = now_ms;
		proc->evict_turn = victims[i].turn;
	}
	return true;
}

/* An idle worker of another lane is on its way here. */
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
	struct pool_full *f = &pool->full;

	f->rings[lane] = true;
	if (l->idle > 0 || l->starting > 0 || l->start > 0) {
		watch_queue(pool, lane, false); /* whoever takes the last idle one rings */
	} else if (!l->pending) {
		f->rings[lane] = false;
		if (!pool_winds_down(pool)) /* else nobody comes any more, though the socket may look like it */
			watch_queue(pool, lane, true);
	} else {
		/* those that give way take the next clients, and the last of them rings */
		f->rings[lane] = full && !is_moving(pool) && make_room(pool, lane, now_ms);
		look_again(pool, now_ms);
	}
}

void pool_full_step(struct pool *pool, bool full, int64_t now_ms)
{
	struct pool_full *f = &pool->full;
	int64_t waiting = 0;

	if (f->rings == NULL) /* of another image of this program */
		return;
	for (size_t i = 0; i < pool->n_lanes; i++)
		f->rings[i] = false;
	if (full) {
		f->seen = true;
		if (f->since_ms == 0)
			f->since_ms = now_ms;
		for (size_t i = 0; i < pool->n_lanes; i++)
			waiting += queued(pool, i);
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
	return pool->full.rings != NULL && pool->full.rings[lane];
}

/* ---- what is told ---- */

static void add(const struct board_slot *slot, uint64_t *away, uint64_t *evicted)
{
	uint64_t n = atomic_load(&slot->refused[REFUSED_EVICTED]);

	*evicted += n;
	*away += n + atomic_load(&slot->refused[REFUSED_FULL]) + atomic_load(&slot->refused[REFUSED_QUEUED_SILENT]);
}

void pool_full_gone(struct pool *pool, const struct board_slot *slot)
{
	add(slot, &pool->full.gone_away, &pool->full.gone_evicted);
}

static void tell_evicted(struct pool *pool, uint64_t evicted, int64_t now_ms)
{
	struct log_about who = pool_about(pool);
	struct pool_full *f = &pool->full;

	if (evicted <= f->evicted_told || (f->evicted_told_ms != 0 && now_ms - f->evicted_told_ms < TELL_EVICTED_MS))
		return;
	who.message_id = MESSAGE_ID_EVICTED;
	log_about(LOG_NOTICE, &who,
		  "evicted: %" PRIu64 " clients that had sent nothing gave way to others (workers.on_full)",
		  evicted - f->evicted_told);
	f->evicted_told = evicted;
	f->evicted_told_ms = now_ms;
}

/* Which setting, its value, and what it costs the clients. */
static void tell_full(struct pool *pool, uint64_t away, int64_t now_ms)
{
	struct log_about who = pool_about(pool);
	struct pool_full *f = &pool->full;
	int64_t *told_ms = &pool->totals->last_full_advice_ms;
	char span[32], more[64] = "";
	int64_t waiting = 0, seconds = 0;

	if ((!f->seen && away <= f->away_told) || (*told_ms != 0 && now_ms - *told_ms < TELL_FULL_MS))
		return;
	for (size_t i = 0; i < pool->n_lanes; i++)
		waiting += queued(pool, i);
	if (waiting > f->most)
		f->most = waiting;
	if (f->since_ms != 0)
		seconds = (now_ms - f->since_ms + 500) / 1000;
	format_duration((seconds > 0 ? seconds : 1) * 1000, span, sizeof(span));
	if (away > f->away_told)
		(void)snprintf(more, sizeof(more), ", and %" PRIu64 " were turned away", away - f->away_told);
	who.message_id = MESSAGE_ID_POOL_FULL;
	log_about(LOG_WARNING, &who,
		  "all workers are busy (workers.max = %" PRId64 "): %" PRId64
		  " clients wait in the queue now, %" PRId64
		  " at most in the last %s%s; raise workers.max, or see workers.on_full",
		  pool->limits.max, waiting, f->most, span, more);
	*told_ms = now_ms;
	f->since_ms = now_ms;
	f->most = 0;
	f->away_told = away;
	f->seen = false;
}

void pool_full_tick(struct pool *pool, int64_t now_ms)
{
	uint64_t away = pool->full.gone_away, evicted = pool->full.gone_evicted;
	const struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		add(proc_slot(proc), &away, &evicted);
	tell_evicted(pool, evicted, now_ms);
	tell_full(pool, away, now_ms);
}
