/* SPDX-License-Identifier: MIT */
/*
 * How many workers a pool should have. Pure: counts, limits and the time in, numbers out; it forks nothing and
 * knows no process, so that it can be tested with a clock that we turn by hand.
 *
 * Growth is fast: what is missing at once, and while clients queue twice as many each time. Shrinking is slow: of what
 * stayed idle throughout an interval, what is above max_spare. A pool whose workers die before they are
 * ready is held back, longer each time; one that has proved itself is not, so that crashes which clients
 * cause do not become an outage.
 */
#ifndef PREFORKD_POOL_POOL_POLICY_H
#define PREFORKD_POOL_POOL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_STEP_FIRST    4 /* workers started for queued clients the first time; doubles */
#define POLICY_STEP_LAST     256
#define POLICY_CALM_MS	     1000 /* without growth for so long: the first step again */
#define POLICY_SHRINK_MS     5000 /* the interval */
#define POLICY_HOLD_FIRST_MS 100  /* after the first failure; doubles */
#define POLICY_HOLD_LAST_MS  30000

struct policy_limits {
	int64_t min, min_spare, max_spare; /* of each lane */
	int64_t max;			   /* of the pool */
	bool one_idle;			   /* each lane needs one idle worker, whatever else: it turns clients away */
	bool keep_min;			   /* each lane has its min beside those that leave, also beyond max */
};

/* One lane: the workers of one listener. */
struct policy_lane {
	/* in */
	int64_t starting, idle, busy;
	int64_t leaving; /* told to leave, still there */
	int64_t spent;	 /* busy or idle, served max_requests, not yet replaced */
	int64_t lowest;	 /* lowest idle of the interval */
	bool pending;	 /* clients are queued */
	bool stuck;	 /* for some time, and its idle workers take none of them */
	/* out */
	int64_t start;	 /* start so many */
	int64_t stop;	 /* tell so many idle ones to leave */
	int64_t replace; /* of those to start: successors of spent ones */
};

struct pool_policy { /* zero at the start */
	int64_t step;
	int64_t grown_ms;
	int64_t shrunk_ms;
	int64_t held_until_ms;
	unsigned failures; /* in a row */
};

struct policy_verdict {
	bool full;	    /* clients are queued, and max forbids to grow */
	bool interval_over; /* the caller begins to measure lowest anew */
};

/* Fills the out fields of LANES. */
struct policy_verdict pool_policy_decide(struct pool_policy *policy, const struct policy_limits *limits,
					 struct policy_lane *lanes, size_t n_lanes, int64_t now_ms);

/* A worker died before it was ready, or could not be forked. */
void pool_policy_failed(struct pool_policy *policy, int64_t now_ms);

/* A worker became ready. */
void pool_policy_proved(struct pool_policy *policy);

#endif
