/* SPDX-License-Identifier: MIT */
#include "master/stop.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "master/message_ids.h"
#include "master/reload.h"
#include "master/report.h"
#include "master/state.h"
#include "master/wind_down.h"
#include "net/quiesce.h"

#define STEP_MS 20 /* how often a stopping master looks at the queues */

void stop_step(struct master *master)
{
	int64_t now = clock_ms();
	struct pool *pool;
	bool left = false;

	for (size_t i = 0; i < master->n_pools; i++)
		left = !wind_down_step(master->pools[i], now) || left;
	DL_FOREACH (master->ending, pool)
		left = !wind_down_step(pool, now) || left;
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

static void end(struct pool *pool)
{
	if (pool->state != POOL_ENDING)
		wind_down_begin(pool, POOL_ENDING, "stop");
}

void stop_begin(struct master *master, int status)
{
	const struct log_about about = {.message_id = MESSAGE_ID_STOPPING};
	struct pool *pool;

	reload_abandon(master, "the daemon stops");
	master->phase = MASTER_STOPPING;
	master->exit_status = status;
	notify_send("STOPPING=1");
	log_about(LOG_NOTICE, &about, "stopping: serving who is queued, waiting for who is connected");
	for (size_t i = 0; i < master->n_pools; i++)
		end(master->pools[i]);
	DL_FOREACH (master->ending, pool)
		end(pool);
	listen_settle();
	if (sd_event_add_time_relative(master->event, &master->stop_timer, CLOCK_MONOTONIC, 0,
				       1000, on_timer, master) < 0)
		stop_now(master, "no memory for an orderly stop");
	report_status(master);
}

void stop_now(struct master *master, const char *why)
{
	struct pool *pool;

	for (size_t i = 0; i < master->n_pools; i++)
		wind_down_now(master->pools[i], why);
	DL_FOREACH (master->ending, pool)
		wind_down_now(pool, why);
}
