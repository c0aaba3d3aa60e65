/* SPDX-License-Identifier: MIT */
#include "master/admin.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "master/ending.h"
#include "master/json_text.h"
#include "master/reload.h"
#include "master/report.h"
#include "master/state.h"
#include "master/wind_down.h"
#include "net/quiesce.h"

#define PATIENCE_MS 6000 /* for workers to hear an order: one that is stopped never does */
#define STEP_MS 5

/* ---- waiting until it has come about ---- */

static bool all_drained(const struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i]->state != POOL_DRAINED)
			return false;
	return true;
}

static bool all_paused(const struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i]->state == POOL_PAUSED && !pool_all_told(master->pools[i]))
			return false;
	return true;
}

void admin_step(struct master *master)
{
	struct admin *o = &master->admin;

	if (o->pause_job != 0 && (all_paused(master) || clock_ms() >= o->pause_due_ms)) {
		jobs_done(&master->jobs, o->pause_job, true, "paused: clients wait in the queue", NULL);
		o->pause_job = 0;
	}
	if (o->drain_job != 0 && all_drained(master)) {
		jobs_done(&master->jobs, o->drain_job, true, "drained: clients are turned away", NULL);
		o->drain_job = 0;
	}
	if (o->pause_job != 0 || o->drain_job != 0) {
		(void)sd_event_source_set_time_relative(o->timer, STEP_MS * 1000);
		(void)sd_event_source_set_enabled(o->timer, SD_EVENT_ONESHOT);
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	admin_step(userdata);
	return 0;
}

static void wait_for(struct master *master)
{
	if (master->admin.timer == NULL)
		(void)sd_event_add_time_relative(master->event, &master->admin.timer, CLOCK_MONOTONIC,
						 STEP_MS * 1000, 1000, on_timer, master);
	admin_step(master);
}

/* ---- the orders ---- */

static int check_phase(const struct master *master, struct err *err)
{
	if (master->phase == MASTER_SERVING && master->upgrade == NULL)
		return 0;
	return err_set(err, master->phase == MASTER_STOPPING ? "the daemon stops"
			    : master->phase == MASTER_STARTING ? "the daemon has not started yet"
							       : "an upgrade is under way");
}

static unsigned done_at_once(struct master *master, const char *text)
{
	unsigned job = jobs_new(&master->jobs);

	jobs_done(&master->jobs, job, true, text, NULL);
	return job;
}

unsigned admin_pause(struct master *master, struct pool *pool, struct err *err)
{
	unsigned job;

	if (check_phase(master, err) < 0)
		return 0;
	if (master->drained) {
		(void)err_set(err, "the daemon is drained");
		return 0;
	}
	pool->state = POOL_PAUSED;
	pool_retire(pool, -1);
	job = master->admin.pause_job;
	if (job == 0)
		job = jobs_new(&master->jobs);
	master->admin.pause_job = job;
	master->admin.pause_due_ms = clock_ms() + PATIENCE_MS;
	report_status(master);
	wait_for(master);
	return job;
}

unsigned admin_resume(struct master *master, struct pool *pool, struct err *err)
{
	if (check_phase(master, err) < 0)
		return 0;
	if (pool->state != POOL_PAUSED)
		return done_at_once(master, "was not paused");
	pool->state = POOL_SERVING;
	pool_look_after(pool, false);
	report_status(master);
	return done_at_once(master, "resumed");
}

unsigned admin_drain(struct master *master, struct err *err)
{
	unsigned job;

	if (check_phase(master, err) < 0)
		return 0;
	if (master->drained && master->admin.drain_job != 0)
		return master->admin.drain_job;
	if (master->drained)
		return done_at_once(master, "drained already");
	master->drained = true;
	for (size_t i = 0; i < master->n_pools; i++)
		wind_down_begin(master->pools[i], POOL_DRAINING, "drain");
	listen_settle();
	job = master->admin.drain_job = jobs_new(&master->jobs);
	ending_step(master);
	report_status(master);
	wait_for(master);
	return job;
}

unsigned admin_undrain(struct master *master, struct err *err)
{
	json_t *reasons;
	unsigned job;

	if (check_phase(master, err) < 0)
		return 0;
	if (!master->drained)
		return done_at_once(master, "was not drained");
	master->drained = false;
	if (master->admin.drain_job != 0)
		jobs_done(&master->jobs, master->admin.drain_job, false, "undrained meanwhile", NULL);
	master->admin.drain_job = 0;
	reasons = json_array();
	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool *pool = master->pools[i];
		struct log_about about = pool_about(pool);
		struct err why;

		if (wind_down_undo(pool, &why) < 0) {
			log_about(LOG_ERR, &about, "%s", why.text);
			(void)json_array_append_new(reasons, json_text(why.text));
		}
		pool_look_after(pool, false);
	}
	report_status(master);
	job = jobs_new(&master->jobs);
	if (json_array_size(reasons) == 0)
		jobs_done(&master->jobs, job, true, "undrained", reasons);
	else
		jobs_done(&master->jobs, job, false, "not all addresses could be had again", reasons);
	return job;
}

unsigned admin_resize(struct master *master, struct pool *pool, int64_t min, int64_t max,
		       struct err *err)
{
	struct config_workers limits = pool->service->workers;
	int64_t lanes = (int64_t)pool->n_lanes;

	if (min < 0 || max < 1 || max > CONFIG_WORKERS_MOST) {
		(void)err_set(err, "min is at least 0, max 1 to %d", CONFIG_WORKERS_MOST);
		return 0;
	}
	if (min * lanes > max || lanes > max) {
		(void)err_set(err, "max = %" PRId64 " is too small: there are %" PRId64
				   " addresses, and min holds for each", max, lanes);
		return 0;
	}
	limits.min = min;
	limits.max = max;
	if (limits.min_spare > max)
		limits.min_spare = max;
	return reload_resize(master, pool, &limits, err);
}
