/* SPDX-License-Identifier: MIT */
#include "fleet/retiring.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/state.h"
#include "net/listen_quiesce.h"
#include "pool/pool_leave.h"
#include "pool/pool_new.h"
#include "pool/program.h"
#include "pool/wind_down.h"

#define STEP_MS	     20	 /* while somebody is queued */
#define SLOW_STEP_MS 200 /* while there are only clients to wait for */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	ending_step(userdata);
	return 0;
}

/* Without a timer the ticks of the loop do it, more slowly. */
static void step_again(struct master *master, int ms)
{
	uint64_t usec = (uint64_t)ms * 1000;

	if (master->ending_timer == NULL)
		(void)sd_event_add_time_relative(master->event, &master->ending_timer, CLOCK_MONOTONIC, usec, 1000,
						 on_timer, master);
	else
		(void)sd_event_source_set_time_relative(master->ending_timer, usec);
	if (master->ending_timer != NULL)
		(void)sd_event_source_set_enabled(master->ending_timer, SD_EVENT_ONESHOT);
}

void ending_step(struct master *master)
{
	struct pool *pool, *next;
	int64_t now = clock_ms();
	int ms = 0;

	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i]->state == POOL_DRAINING && !wind_down_step(master->pools[i], now))
			ms = STEP_MS;
	DL_FOREACH_SAFE (master->ending, pool, next) {
		if (pool->state == POOL_SUPERSEDED) { /* until its successor is ready */
			program_step(pool, now);
			continue;
		}
		if (wind_down_step(pool, now)) {
			DL_DELETE(master->ending, pool);
			pool_free(&pool);
			continue;
		}
		if (wind_down_is_busy(pool))
			ms = STEP_MS;
		else if (ms == 0)
			ms = SLOW_STEP_MS;
	}
	if (ms != 0)
		step_again(master, ms);
}

bool ending_all_told(const struct master *master)
{
	const struct pool *pool;

	DL_FOREACH (master->ending, pool)
		if (!pool_all_heard(pool))
			return false;
	return true;
}

void ending_settle(const struct master *master)
{
	const struct pool *pool;

	DL_FOREACH (master->ending, pool) {
		if (wind_down_is_busy(pool)) {
			listen_settle();
			return;
		}
	}
}

void ending_bound(struct master *master, const struct pool *newest)
{
	struct pool *pool, *oldest = NULL;
	unsigned n = 0;

	DL_FOREACH (master->ending, pool) {
		if (pool->totals != newest->totals || pool->cut)
			continue;
		n++;
		if (oldest == NULL)
			oldest = pool;
	}
	if (n > ENDING_MAX)
		wind_down_now(oldest, "too many former generations still have clients");
}

void ending_add(struct master *master, struct pool *pool)
{
	DL_APPEND(master->ending, pool);
	ending_bound(master, pool);
	step_again(master, STEP_MS);
}
