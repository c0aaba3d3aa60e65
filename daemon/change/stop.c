/* SPDX-License-Identifier: MIT */
#include "change/stop.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/notify.h"
#include "base/unit.h"
#include "base/unit_job.h"
#include "change/reload.h"
#include "master/report.h"
#include "master/state.h"
#include "net/listen_quiesce.h"
#include "pool/wind_down.h"

#define EXTEND_MS 10000 /* what a step asks of the service manager's patience, beyond the next */
#define STEP_MS	  20	/* how often a stopping master looks at the queues */

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
	static int64_t extend_ms; /* when the service manager is told next that it takes longer */

	(void)usec;
	stop_step(master);
	report_status(master);
	if (clock_ms() >= extend_ms) {
		extend_ms = clock_ms() + EXTEND_MS / 2;
		notify_send("EXTEND_TIMEOUT_USEC=%d", EXTEND_MS * 1000);
	}
	(void)sd_event_source_set_time_relative(source, STEP_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/*
 * The daemon comes back, and the service manager keeps the listeners meanwhile: they are no longer ours to close.
 * Clients wait in the queue for the next one.
 */
static void leave(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].stored[0] != '\0')
			pool->listeners[i].inherited = true;
}

void stop_leave_listeners(struct master *master)
{
	struct pool *pool;

	if (!unit_is_one()) /* nobody starts the next one */
		return;
	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i] != NULL)
			leave(master->pools[i]);
	DL_FOREACH (master->ending, pool)
		if (pool->state == POOL_SUPERSEDED)
			leave(pool);
}

static bool comes_back(void)
{
	switch (unit_job_ask()) {
	case UNIT_JOB_RESTART:
		log_msg(LOG_INFO, "a restart: listeners are kept by systemd, clients wait in the queue");
		return true;
	case UNIT_JOB_UNKNOWN:
		log_msg(LOG_NOTICE, "systemd does not say whether this is a stop or a restart: "
				    "listeners are left to it, as for a restart");
		return true;
	case UNIT_JOB_NONE:
	case UNIT_JOB_STOP:
		break;
	}
	return false;
}

static void end(struct pool *pool)
{
	if (pool->state != POOL_ENDING)
		wind_down_begin(pool, POOL_ENDING, "stop");
}

void stop_begin(struct master *master, enum stop_kind kind, int status)
{
	const struct log_about about = {.message_id = MESSAGE_ID_STOPPING};
	struct pool *pool;

	reload_abandon(master, "the daemon stops");
	master->phase = MASTER_STOPPING;
	master->exit_status = status;
	notify_send("STOPPING=1");
	log_about(LOG_NOTICE, &about, "stopping: serving who is queued, waiting for who is connected");
	if (kind == STOP_AS_SYSTEMD_SAYS && comes_back())
		stop_leave_listeners(master);
	for (size_t i = 0; i < master->n_pools; i++)
		end(master->pools[i]);
	DL_FOREACH (master->ending, pool)
		end(pool);
	listen_settle();
	if (sd_event_add_time_relative(master->event, &master->stop_timer, CLOCK_MONOTONIC, 0, 1000, on_timer, master) <
	    0)
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
