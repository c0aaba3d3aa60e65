/* SPDX-License-Identifier: MIT */
#include "change/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "base/log.h"
#include "change/reload.h"
#include "config/config.h"
#include "fleet/retiring.h"
#include "master/report.h"
#include "master/state.h"
#include "net/listen_quiesce.h"
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/wind_down.h"

#define PATIENCE_MS 6000 /* for workers to hear an order: one that is stopped never does */
#define STEP_MS	    5

/* ---- waiting until it has come about ---- */

static bool all_drained(struct master *master)
{
	bool told = true;

	for (size_t i = 0; i < master->n_pools; i++) {
		if (master->pools[i]->state != POOL_DRAINED)
			return false;
		told = told && pool_all_heard(master->pools[i]);
	}
	if (master->admin.drained_ms == 0)
		master->admin.drained_ms = clock_ms();
	return told || clock_ms() - master->admin.drained_ms >= PATIENCE_MS;
}

static bool all_paused(const struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i]->state == POOL_PAUSED && !pool_all_heard(master->pools[i]))
			return false;
	return ending_all_told(master);
}

/* Those that were told to leave have let go of their listener, and those that start of everybody else's. */
static bool has_settled(const struct pool *pool)
{
	return pool_all_heard(pool) && pool_count(pool, -1).starting == 0;
}

static bool is_alone(const struct master *master)
{
	const struct pool *former;

	for (size_t i = 0; i < master->n_pools; i++)
		if (!has_settled(master->pools[i]))
			return false;
	DL_FOREACH (master->ending, former)
		if (!has_settled(former))
			return false;
	return true;
}

/* True if nothing is left to be done. */
static bool undrain(struct master *master)
{
	bool alone = is_alone(master) || clock_ms() >= master->admin.undrain_due_ms;
	bool all = true;

	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool *pool = master->pools[i];
		struct log_about about = pool_about(pool);
		struct err why;

		if (pool->state != POOL_DRAINING && pool->state != POOL_DRAINED)
			continue;
		if (!wind_down_may_undo(pool, alone)) {
			all = false;
			continue;
		}
		if (wind_down_undo(pool, &why) < 0) {
			log_about(LOG_ERR, &about, "%s", why.text);
			(void)json_array_append_new(master->admin.undrain_reasons, json_text(why.text));
		}
	}
	/* only now: for a moment a new worker has all our sockets */
	for (size_t i = 0; i < master->n_pools; i++)
		pool_look_after(master->pools[i], false);
	return all;
}

static void finish_undrain(struct master *master, bool undrained, const char *text)
{
	struct admin *o = &master->admin;

	if (o->undrain_job == 0)
		return;
	jobs_done(&master->jobs, o->undrain_job, undrained && json_array_size(o->undrain_reasons) == 0, text,
		  o->undrain_reasons);
	o->undrain_job = 0;
	o->undrain_reasons = NULL;
	report_status(master);
}

static void step_again(struct master *master);

void admin_step(struct master *master)
{
	struct admin *o = &master->admin;

	if (master->phase == MASTER_STOPPING)
		return;
	if (o->undrain_job != 0 && undrain(master))
		finish_undrain(master, true,
			       json_array_size(o->undrain_reasons) == 0 ? "undrained"
									: "not all addresses could be had again");

	if (o->pause_job != 0 && (all_paused(master) || clock_ms() >= o->pause_due_ms)) {
		jobs_done(&master->jobs, o->pause_job, true, "paused: clients wait in the queue", NULL);
		o->pause_job = 0;
	}
	if (o->drain_job != 0 && all_drained(master)) {
		jobs_done(&master->jobs, o->drain_job, true, "drained: clients are turned away", NULL);
		o->drain_job = 0;
	}
	if (o->pause_job != 0 || o->drain_job != 0 || o->undrain_job != 0)
		step_again(master);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	admin_step(userdata);
	return 0;
}

/* Without a timer the ticks of the loop do it, more slowly. */
static void step_again(struct master *master)
{
	struct admin *o = &master->admin;

	if (o->timer == NULL)
		(void)sd_event_add_time_relative(master->event, &o->timer, CLOCK_MONOTONIC, STEP_MS * 1000, 1000,
						 on_timer, master);
	else
		(void)sd_event_source_set_time_relative(o->timer, STEP_MS * 1000);
	if (o->timer != NULL)
		(void)sd_event_source_set_enabled(o->timer, SD_EVENT_ONESHOT);
}

/* ---- the orders ---- */

static int check_phase(const struct master *master, struct err *err)
{
	if (master->phase == MASTER_SERVING && master->upgrade == NULL)
		return 0;
	return err_set(err, master->phase == MASTER_STOPPING   ? "the daemon stops"
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
	struct pool *former;
	unsigned job;

	if (check_phase(master, err) < 0)
		return 0;
	if (master->drained) {
		(void)err_set(err, "the daemon is drained");
		return 0;
	}
	pool->state = POOL_PAUSED;
	pool_retire(pool, -1);
	DL_FOREACH (master->ending, former) /* of a reload that is just about to let them go */
		if (former->totals == pool->totals)
			pool_retire(former, -1);
	job = master->admin.pause_job;
	if (job == 0)
		job = jobs_new(&master->jobs);
	master->admin.pause_job = job;
	master->admin.pause_due_ms = clock_ms() + PATIENCE_MS;
	report_status(master);
	admin_step(master);
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
	finish_undrain(master, false, "drained meanwhile");
	master->drained = true;
	master->admin.drained_ms = 0;
	for (size_t i = 0; i < master->n_pools; i++)
		wind_down_begin(master->pools[i], POOL_DRAINING, "drain");
	listen_settle();
	job = master->admin.drain_job = jobs_new(&master->jobs);
	ending_step(master);
	report_status(master);
	admin_step(master);
	return job;
}

unsigned admin_undrain(struct master *master, struct err *err)
{
	struct admin *o = &master->admin;
	unsigned job;

	if (check_phase(master, err) < 0)
		return 0;
	if (o->undrain_job != 0)
		return o->undrain_job;
	if (!master->drained)
		return done_at_once(master, "was not drained");
	master->drained = false;
	if (master->admin.drain_job != 0)
		jobs_done(&master->jobs, master->admin.drain_job, false, "undrained meanwhile", NULL);
	master->admin.drain_job = 0;
	job = o->undrain_job = jobs_new(&master->jobs);
	o->undrain_due_ms = clock_ms() + PATIENCE_MS;
	o->undrain_reasons = json_array();
	jobs_progress(&master->jobs, job, "serving first who is queued at a unix socket");
	report_status(master);
	admin_step(master);
	return job;
}

unsigned admin_resize(struct master *master, struct pool *pool, int64_t min, int64_t max, struct err *err)
{
	struct config_workers limits = pool->service->workers;
	int64_t lanes = (int64_t)pool->n_lanes, each = max / lanes;

	if (min < 0 || max < 1 || max > CONFIG_WORKERS_MOST) {
		(void)err_set(err, "min is at least 0, max 1 to %d", CONFIG_WORKERS_MOST);
		return 0;
	}
	if (min * lanes > max || lanes > max) {
		(void)err_set(err,
			      "max = %" PRId64 " is too small: there are %" PRId64 " addresses, and min holds for each",
			      max, lanes);
		return 0;
	}
	limits.min = min;
	limits.max = max;
	if (limits.min_spare > each)
		limits.min_spare = each;
	if (limits.max_spare > each) /* else more than max stay */
		limits.max_spare = each;
	return reload_resize(master, pool, &limits, err);
}
