/* SPDX-License-Identifier: MIT */
/*
 * Master. A pool that is full: all its workers are busy, and it may not grow. Two things are done then: the log gets an
 * advice, and with on_full = "evict" clients that have sent nothing yet give way to clients that wait in the queue.
 *
 * No worker of a full pool rings, so the master watches the queues itself. It arms the watch each time it has found a
 * queue empty, for one event: a queue that is always watched would wake the master for every client. The master never
 * accepts. It chooses the client to be evicted by hints on the board, and the worker, which knows better, decides
 * (worker/orders.c).
 *
 * The cost of a look is bounded, whatever clients do: one pass over the pool's processes, and one signal for each.
 * Between two looks the event loop serves everything else.
 */
#ifndef PREFORKD_POOL_POOL_FULL_H
#define PREFORKD_POOL_POOL_FULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct counts;
struct err;
struct pool;
struct victim;

/* A client that came less than this ago is not evicted: its first byte may be under way. */
#define FULL_YOUNG_MS 20

/* A worker that was asked to evict its client has this time before it, or another worker in its place, is asked. */
#define FULL_ANSWER_MS 200

/* Between two looks while clients wait and no worker can be freed. */
#define FULL_PAUSE_MS 20

struct pool_full {
	/* for the advice */
	bool seen;	    /* the pool has been full since the last advice */
	int64_t since_ms;   /* begin of the time that the next advice covers; 0: there is nothing to say yet */
	int64_t most;	    /* most clients that waited at the same time since then */
	uint64_t away_told; /* number of clients turned away that the last advice has covered */

	/* for evict */
	bool evicts;
	int queues; /* an epoll instance of the listeners; -1: none */
	sd_event_source *queue_source, *timer;
	struct victim *victims; /* scratch, one for each slot of the board */
	bool *rings;		/* of each lane: its workers ring though the pool is at max */
	bool *watched;		/* of each lane: its queue is watched */
	uint64_t evicted_told;	/* number of evicted clients that the log has mentioned */
	int64_t evicted_told_ms;

	uint64_t gone_away, gone_evicted; /* clients turned away and evicted by workers that have ended */
};

/* Makes pool->full; the pool has its board. -1 and *err: no resources; pool_full_free() is needed in any case. */
int pool_full_new(struct pool *pool, struct err *err);
void pool_full_free(struct pool *pool);

/*
 * Watches the queues and a timer on pool->event, with POOL as userdata of both handlers. ON_QUEUE must call
 * pool_full_heard(). -1 and *err: no resources.
 */
int pool_full_watch(struct pool *pool, sd_event_io_handler_t on_queue, sd_event_time_handler_t on_time,
		    struct err *err);
void pool_full_heard(struct pool *pool);

/*
 * Makes room if that is needed. To be called at each look, after the policy has decided (FULL: clients wait, and the
 * pool may not grow) and workers were started.
 */
void pool_full_step(struct pool *pool, bool full, int64_t now_ms);

/* Workers of LANE are to ring when the last idle one becomes busy, although the pool cannot grow. */
bool pool_full_may_ring(const struct pool *pool, size_t lane);

/* Once a second: logs what there is to say, at most one advice a minute for each service. */
void pool_full_tick(struct pool *pool, int64_t now_ms);

/* A worker has ended: remembers what it has counted. */
void pool_full_gone(struct pool *pool, const struct counts *counts);

#endif
