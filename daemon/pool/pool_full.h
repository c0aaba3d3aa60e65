/* SPDX-License-Identifier: MIT */
/*
 * A pool whose workers are all busy and that may not grow: the advice in the log, and on_full = "evict", where
 * clients that have said nothing yet give way to those that wait in the queue.
 *
 * While such a pool is full nobody rings, so the master watches the queue itself: once for each time that it has looked
 * and found it empty, for a queue that is always watched would wake it for every client. It never accepts. Who gives
 * way is chosen from hints on the board, and the worker, who knows, has the last word (worker/orders.c).
 *
 * Whatever clients do, a look costs no more than one pass over the pool and one signal a worker, and between two looks
 * the loop serves everybody else.
 */
#ifndef PREFORKD_POOL_POOL_FULL_H
#define PREFORKD_POOL_POOL_FULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct board_slot;
struct err;
struct pool;
struct victim;

#define FULL_YOUNG_MS 20 /* a client that is here for less long is not evicted: its first byte may be under way */
#define FULL_ANSWER_MS                                                                                                 \
	200		 /* a worker that was told gets so much time before it is told again, and another one, too     \
			  */
#define FULL_PAUSE_MS 20 /* between two looks while clients wait and nobody gives way */

struct pool_full { /* of a struct pool */
	/* for the advice; times are 0 as long as there is nothing to tell */
	bool seen;	    /* has been full since the last tick */
	int64_t since_ms;   /* what is told began then */
	int64_t most;	    /* clients that waited at the same time */
	uint64_t away_told; /* of those turned away for it, as many as the last advice has covered */

	/* for evict */
	bool evicts;
	int queues; /* an epoll instance of the listeners; -1: there is none */
	sd_event_source *queue_source, *timer;
	struct victim *victims; /* room for a choice */
	bool *rings;		/* of each lane: whether its workers ring at max */
	bool *watched;		/* whether its queue is */
	uint64_t evicted_told;
	int64_t evicted_told_ms;

	uint64_t gone_away, gone_evicted; /* by workers that have gone */
};

/* Of POOL, which has its board; -1 and *err: no resources. pool_full_clear() in any case. */
int pool_full_init(struct pool *pool, struct err *err);
void pool_full_clear(struct pool *pool);

/* Lets the loop hear its queues and its timer, each with POOL as its userdata; ON_QUEUE calls pool_full_heard(). */
int pool_full_watch(struct pool *pool, sd_event_io_handler_t on_queue, sd_event_time_handler_t on_time,
		    struct err *err);
void pool_full_heard(struct pool *pool);

/*
 * After the policy has decided (FULL: clients wait and it may not grow) and workers were started: makes room if it
 * should. To be called at each look, also when it is not full.
 */
void pool_full_step(struct pool *pool, bool full, int64_t now_ms);

/* Are the workers of LANE to ring when the last idle one is taken, though the pool cannot grow? */
bool pool_full_may_ring(const struct pool *pool, size_t lane);

/* Once a second: what there is to tell. */
void pool_full_tick(struct pool *pool, int64_t now_ms);

/* A worker has gone: what it has counted. */
void pool_full_gone(struct pool *pool, const struct board_slot *slot);

#endif
