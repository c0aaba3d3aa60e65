/* SPDX-License-Identifier: MIT */
#include "fleet/retiring.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/fleet.h"
#include "fleet/leftover.h"
#include "net/listen_quiesce.h"
#include "pool/pool_leave.h"
#include "pool/pool_new.h"
#include "pool/program.h"
#include "pool/wind_down.h"

#define STEP_MS	     20	 /* while a client is queued */
#define SLOW_STEP_MS 200 /* while there are only connected clients to wait for */

static int on_retiring_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fleet *fleet = userdata;

	(void)source;
	(void)usec;
	retiring_step(fleet);
	if (fleet->on_event != NULL) /* an order may wait for it */
		fleet->on_event(fleet->userdata);
	return 0;
}

/* If there is no timer, the loop's tick, once a second, calls retiring_step(). */
static void schedule_step(struct fleet *fleet, int ms)
{
	uint64_t usec = (uint64_t)ms * 1000;

	if (fleet->retiring_timer == NULL)
		(void)sd_event_add_time_relative(fleet->event, &fleet->retiring_timer, CLOCK_MONOTONIC, usec, 1000,
						 on_retiring_timer, fleet);
	else
		(void)sd_event_source_set_time_relative(fleet->retiring_timer, usec);
	if (fleet->retiring_timer != NULL)
		(void)sd_event_source_set_enabled(fleet->retiring_timer, SD_EVENT_ONESHOT);
}

static bool is_drained(const struct pool *pool)
{
	return pool->state == POOL_DRAINING || pool->state == POOL_DRAINED;
}

/* Winds down, or brings back, pools in force. Returns in how many ms there is more to do; 0: nothing. */
static int step_in_force(struct fleet *fleet, int64_t now)
{
	int ms = 0;

	for (size_t i = 0; i < fleet->n_pools; i++) {
		struct pool *pool = fleet->pools[i];

		if (pool->state == POOL_DRAINING && !wind_down_step(pool, now))
			ms = STEP_MS;
	}
	/* The undrain has its verdict, but a service could not be brought back yet. */
	if (!fleet->drained && !fleet->is_undraining && retiring_undrain(fleet, false, NULL, NULL) > 0 && ms == 0)
		ms = SLOW_STEP_MS;
	return ms;
}

void retiring_step(struct fleet *fleet)
{
	struct pool *pool, *next;
	int64_t now = clock_ms();
	int ms;

	fleet->retiring_due = false;
	if (fleet->is_stopping)
		return;
	ms = step_in_force(fleet, now);
	DL_FOREACH_SAFE (fleet->retiring, pool, next) {
		if (pool->state == POOL_SUPERSEDED) { /* it serves on until its successor is ready */
			program_step(pool, now);
			leftover_step(fleet, pool);
			if (pool->yields || pool->stays || pool->state != POOL_SUPERSEDED)
				ms = STEP_MS;
			continue;
		}
		if (wind_down_step(pool, now)) {
			DL_DELETE(fleet->retiring, pool);
			pool_free(&pool);
			continue;
		}
		if (wind_down_is_busy(pool))
			ms = STEP_MS;
		else if (ms == 0)
			ms = SLOW_STEP_MS;
	}
	if (ms != 0)
		schedule_step(fleet, ms);
}

size_t retiring_undrain(struct fleet *fleet, bool sockets_are_ours, void (*failed)(const char *why, void *userdata),
			void *userdata)
{
	size_t left = 0;

	for (size_t i = 0; i < fleet->n_pools; i++) {
		struct pool *pool = fleet->pools[i];
		struct log_about about = pool_about(pool);
		struct err why;

		if (!is_drained(pool))
			continue;
		if (!wind_down_may_undo(pool, sockets_are_ours)) {
			left++;
			continue;
		}
		if (wind_down_undo(pool, &why) < 0) {
			log_about(LOG_ERR, &about, "%s", why.text);
			if (failed != NULL)
				failed(why.text, userdata);
		}
	}
	return left;
}

bool retiring_has_heard(const struct fleet *fleet)
{
	const struct pool *pool;

	DL_FOREACH (fleet->retiring, pool)
		if (!pool_all_heard(pool))
			return false;
	return true;
}

void retiring_settle(const struct fleet *fleet)
{
	const struct pool *pool;

	DL_FOREACH (fleet->retiring, pool) {
		if (wind_down_is_busy(pool)) {
			listen_settle();
			return;
		}
	}
}

void retiring_bound(struct fleet *fleet, const struct pool *newest)
{
	struct pool *pool, *oldest = NULL;
	unsigned n = 0;

	DL_FOREACH (fleet->retiring, pool) {
		if (pool->totals != newest->totals || pool->cut)
			continue;
		n++;
		if (oldest == NULL)
			oldest = pool;
	}
	if (n > RETIRING_MAX)
		wind_down_now(oldest, "too many former generations still have clients");
}

void retiring_add(struct fleet *fleet, struct pool *pool)
{
	DL_APPEND(fleet->retiring, pool);
	retiring_bound(fleet, pool);
	schedule_step(fleet, STEP_MS);
}
