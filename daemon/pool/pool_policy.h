/* SPDX-License-Identifier: MIT */
/*
 * Master. Decides how many workers a pool should have. Pure: counts, limits and the time go in, numbers come out. It
 * forks nothing and knows no process, so that tests can turn its clock.
 *
 * Growth is fast: missing workers are started at once, and while clients queue, twice as many in each step. Shrinking
 * is slow: of the workers that were idle throughout an interval, those above max_spare are retired. A pool whose
 * workers die before they are ready is held back, longer each time. A pool that has proved itself is not, so that
 * crashes which clients cause do not become an outage.
 */
#ifndef PREFORKD_POOL_POOL_POLICY_H
#define PREFORKD_POOL_POOL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_STEP_FIRST    4 /* workers that the first step starts for queued clients; each further step doubles it */
#define POLICY_STEP_LAST     256
#define POLICY_CALM_MS	     1000 /* after so long without growth the first step comes again */
#define POLICY_SHRINK_MS     5000 /* the interval of shrinking */
#define POLICY_HOLD_FIRST_MS 100  /* the pause after the first failure; each further failure doubles it */
#define POLICY_HOLD_LAST_MS  30000

struct policy_limits {
	int64_t min, min_spare, max_spare; /* of each lane */
	int64_t max;			   /* of the pool */
	bool one_idle;			   /* each lane always needs one idle worker, which turns clients away */
	bool keep_min; /* workers that leave do not count towards min; `max` may be exceeded for it */
};

/* One lane: the workers of one listener. */
struct policy_lane {
	/* in */
	int64_t starting, idle, busy;
	int64_t leaving; /* retired, and still there */
	int64_t spent;	 /* busy or idle ones that are to be replaced, and have no successor yet */
	int64_t lowest;	 /* the lowest number of idle workers in this interval */
	bool pending;	 /* clients are queued */
	bool stuck;	 /* clients have been queued for a while, and idle workers take none of them */
	/* out */
	int64_t start;	 /* workers to start */
	int64_t stop;	 /* idle workers to retire */
	int64_t replace; /* of those to start: successors of spent workers */
};

struct pool_policy { /* zero at the start */
	int64_t step;
	int64_t grown_ms;
	int64_t shrunk_ms;
	int64_t held_until_ms;
	unsigned failures; /* in a row */
};

struct policy_verdict {
	bool full;	    /* clients are queued, and `max` forbids growth */
	bool interval_over; /* the caller must measure `lowest` anew */
};

/* Fills the out fields of LANES. */
struct policy_verdict pool_policy_decide(struct pool_policy *policy, const struct policy_limits *limits,
					 struct policy_lane *lanes, size_t n_lanes, int64_t now_ms);

/* A worker died before it was ready, or could not be forked. */
void pool_policy_failed(struct pool_policy *policy, int64_t now_ms);

/* A worker became ready. */
void pool_policy_proved(struct pool_policy *policy);

#endif
