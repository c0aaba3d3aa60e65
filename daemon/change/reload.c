/* SPDX-License-Identifier: MIT */
#include "change/reload.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/trial.h"
#include "change/canary.h"
#include "change/config_trial.h"
#include "change/host_limits.h"
#include "change/plan.h"
#include "config/config.h"
#include "config/diff.h"
#include "fleet/retiring.h"
#include "listeners/control_socket.h"
#include "master/report.h"
#include "master/state.h"
#include "pool/pool_look.h"
#include "pool/rolling.h"

#define LOAD_MS	  60000 /* for the child that reads the configuration; names are looked up meanwhile */
#define RETIRE_MS 5000	/* for workers to hear that they are to leave; a stopped one never does */
#define SWAP_MS	  10000 /* for the new workers to be ready before the old ones leave all the same */
#define STEP_MS	  5

enum reload_state { RELOAD_LOADING, RELOAD_PROVING, RELOAD_SWAPPING, RELOAD_RETIRING };

struct reload {
	enum reload_state state;
	unsigned job;
	unsigned queued; /* the job of the one that comes next; 0: none */
	struct trial trial;
	struct plan plan;
	json_t *warnings;
	json_t *limits; /* more of them, about the host; NULL: not looked at */
	sd_event_source *timer;
	int64_t since_ms; /* of the state */
	char summary[128];
};

static const char *const texts[] = {
	[RELOAD_LOADING] = "reading the configuration",
	[RELOAD_PROVING] = "proving new workers",
	[RELOAD_SWAPPING] = "starting new workers",
	[RELOAD_RETIRING] = "retiring old workers",
};

static void enter(struct master *master, enum reload_state state)
{
	struct reload *r = master->reload;

	r->state = state;
	r->since_ms = clock_ms();
	jobs_progress(&master->jobs, r->job, texts[state]);
}

/* ---- the end ---- */

static void begin(struct master *master, unsigned job);

static void dispose(struct reload *r)
{
	trial_clear(&r->trial);
	plan_clear(&r->plan);
	json_decref(r->warnings);
	json_decref(r->limits);
	(void)sd_event_source_disable_unref(r->timer);
	free(r);
}

/* The verdict; then the one begins that was asked for meanwhile. */
static void finish(struct master *master, bool success, const char *text, json_t *reasons)
{
	struct reload *r = master->reload;
	unsigned job = r->job, queued = r->queued;

	master->reload = NULL; /* what is reported is how it is from now on */
	report_verdict(master, success, text, reasons);
	host_tell(r->limits);
	(void)json_array_extend(reasons, r->limits);
	dispose(r);
	jobs_done(&master->jobs, job, success, text, reasons);
	if (queued != 0)
		begin(master, queued);
}

/* Everything as before. REASONS is taken over. */
static void reject(struct master *master, json_t *reasons)
{
	struct reload *r = master->reload;
	char text[64];

	plan_drop(&r->plan, master);
	(void)snprintf(text, sizeof(text), "%s rejected; all goes on as before",
		       r->plan.occasion != NULL ? r->plan.occasion : "reload");
	finish(master, false, text, reasons);
}

static void reject_text(struct master *master, const char *text)
{
	reject(master, json_text_list(text));
}

static void accept_it(struct master *master)
{
	struct reload *r = master->reload;
	char text[192];

	(void)snprintf(text, sizeof(text), "generation %u: %s", master->generation->number, r->summary);
	finish(master, true, text, json_incref(r->warnings));
}

/* ---- the steps ---- */

/* Of programs, all of them, for as long as they come; of workers, all that came in time. */
static bool all_ready(const struct reload *r, int64_t now)
{
	bool late = now - r->since_ms >= SWAP_MS, all = true;

	for (size_t i = 0; i < r->plan.n; i++) {
		const struct plan_item *item = &r->plan.items[i];
		struct pool *fresh = item->fresh;

		if (fresh == NULL)
			continue;
		if (fresh->service->program.runs)
			all = rolling_step(fresh, item->old, now) && all;
		else if (!late && fresh->state == POOL_SERVING && !pool_all_ready(fresh))
			all = false;
	}
	return all;
}

/* From here on it is in force. */
static void commit(struct master *master)
{
	struct reload *r = master->reload;
	struct config *before = master->generation->config, *next = r->plan.generation->config;
	bool other_log = config_diff_log(before, next);
	struct err err;

	if (plan_listen(&r->plan, master, &err) < 0 ||
	    control_socket_prepare(master->control_socket, &next->control, &err) < 0) {
		reject_text(master, err.text);
		return;
	}
	plan_describe(&r->plan, master, r->summary, sizeof(r->summary));
	plan_commit(&r->plan, master); /* BEFORE may be gone */
	control_socket_commit(master->control_socket, &next->control);
	if (strcmp(r->plan.occasion, "reload") == 0)
		r->limits = host_warnings(master, next);
	if (other_log)
		launch_log(master->launch, next);
	canary_release(&r->plan);
	enter(master, RELOAD_SWAPPING);
	reload_step(master);
}

static void prove(struct master *master)
{
	struct reload *r = master->reload;
	struct err err;

	switch (canary_judge(&r->plan, &err)) {
	case CANARY_WAIT:
		return;
	case CANARY_PROVEN:
		commit(master);
		return;
	case CANARY_FAILED:
		reject_text(master, err.text);
		return;
	}
}

void reload_step(struct master *master)
{
	struct reload *r = master->reload;

	if (r == NULL || master->phase == MASTER_STOPPING)
		return;
	if (r->state == RELOAD_PROVING) {
		prove(master);
		return;
	}
	if (r->state == RELOAD_SWAPPING && all_ready(r, clock_ms())) {
		plan_retire(&r->plan, master);
		enter(master, RELOAD_RETIRING);
	}
	if (r->state == RELOAD_RETIRING && (ending_all_told(master) || clock_ms() - r->since_ms >= RETIRE_MS))
		accept_it(master);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct master *master = userdata;

	(void)usec;
	(void)sd_event_source_set_time_relative(source, STEP_MS * 1000);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	reload_step(master); /* may free the source */
	return 0;
}

static int on_hold(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	reload_step(userdata);
	return 0;
}

/* The plan is made: its canaries, or, if it has none, all at once. */
static void try_plan(struct master *master)
{
	struct reload *r = master->reload;
	struct err err;
	int rc;

	enter(master, RELOAD_PROVING);
	rc = sd_event_add_time_relative(master->event, &r->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, master);
	if (rc < 0) {
		errno = -rc;
		(void)err_sys(&err, "cannot set a timer");
		reject_text(master, err.text);
		return;
	}
	if (canary_start(&r->plan, master->event, on_hold, master, master->drained, &err) < 0)
		reject_text(master, err.text);
}

/* A configuration that has no mistakes: what does it change? */
static void compare(struct master *master, struct config *config)
{
	struct reload *r = master->reload;
	bool outside = config_diff_log(master->generation->config, config) ||
		       config_diff_control(master->generation->config, config);
	struct generation *generation = generation_new(config, master->generation->number + 1);
	struct err err = {.text = "no memory for a generation"};
	int rc = generation != NULL ? plan_reload(&r->plan, master, generation, &err) : -1;

	generation_unref(&generation); /* the plan has it */
	if (rc < 0) {
		reject_text(master, err.text);
		return;
	}
	if (!plan_is_empty(&r->plan, master) || outside) {
		try_plan(master);
		return;
	}
	generation_unref(&master->reread);
	master->reread = generation_ref(r->plan.generation);
	finish(master, true, "nothing has changed", json_incref(r->warnings));
}

static void on_loaded(struct trial *trial, void *userdata)
{
	struct master *master = userdata;
	struct config *config;
	json_t *reasons;

	if (config_trial_judge(trial, &reasons) < 0) {
		reject(master, reasons);
		return;
	}
	json_decref(reasons);
	config = config_trial_load(&master->launch->source, &reasons);
	if (config == NULL) {
		reject(master, reasons);
		return;
	}
	master->reload->warnings = reasons;
	compare(master, config);
}

/* ---- the beginning ---- */

static struct reload *new_reload(struct master *master, unsigned job)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		jobs_done(&master->jobs, job, false, "no memory for it", NULL);
		return NULL;
	}
	r->job = job;
	r->trial.fd = -1;
	master->reload = r;
	return r;
}

static void begin(struct master *master, unsigned job)
{
	const struct log_about about = {.message_id = MESSAGE_ID_RELOADING};
	struct reload *r = new_reload(master, job);
	struct err err;

	if (r == NULL)
		return;
	log_about(LOG_NOTICE, &about, "reloading %s", master->launch->source.file);
	report_reloading();
	host_ask(master);
	enter(master, RELOAD_LOADING);
	if (trial_start(&r->trial, master->event, config_trial_run, (void *)(uintptr_t)&master->launch->source, LOAD_MS,
			on_loaded, master, &err) < 0)
		reject_text(master, err.text);
}

static void refuse(struct master *master, unsigned job, const char *why)
{
	log_msg(LOG_ERR, "no reload: %s", why); /* who sends a signal hears of it here only */
	jobs_done(&master->jobs, job, false, why, NULL);
}

unsigned reload_request(struct master *master)
{
	unsigned job;

	if (master->reload != NULL && master->reload->queued != 0)
		return master->reload->queued;
	if (master->reload_wanted != 0)
		return master->reload_wanted;
	job = jobs_new(&master->jobs);
	if (master->phase == MASTER_STOPPING || master->upgrade != NULL)
		refuse(master, job, master->upgrade != NULL ? "an upgrade is under way" : "the daemon stops");
	else if (master->reload != NULL)
		master->reload->queued = job;
	else if (master->phase == MASTER_STARTING)
		master->reload_wanted = job; /* as soon as the start is over */
	else
		begin(master, job);
	if (master->reload != NULL && master->reload->queued == job)
		jobs_progress(&master->jobs, job, "waiting for the one before");
	return job;
}

unsigned reload_resize(struct master *master, struct pool *pool, const struct config_workers *limits, struct err *err)
{
	struct log_about about = pool_about(pool);
	struct reload *r;
	unsigned job;

	if (master->reload != NULL || master->phase != MASTER_SERVING || master->upgrade != NULL) {
		(void)err_set(err, "something else is under way; try again");
		return 0;
	}
	job = jobs_new(&master->jobs);
	about.message_id = MESSAGE_ID_RELOADING;
	log_about(LOG_NOTICE, &about, "resized: min %lld, max %lld", (long long)limits->min, (long long)limits->max);
	if (pool_has_room(pool, limits)) {
		pool_set_limits(pool, limits);
		pool_look_after(pool, false);
		jobs_done(&master->jobs, job, true, "resized", NULL);
		return job;
	}
	r = new_reload(master, job);
	if (r == NULL)
		return job;
	r->warnings = json_array();
	report_reloading();
	if (plan_resize(&r->plan, master, pool, limits, err) < 0)
		reject_text(master, err->text);
	else
		try_plan(master);
	return job;
}

void reload_started(struct master *master)
{
	unsigned job = master->reload_wanted;

	master->reload_wanted = 0;
	if (job != 0)
		begin(master, job);
}

bool reload_reaped(struct master *master, pid_t pid, int status)
{
	return master->reload != NULL && trial_reaped(&master->reload->trial, pid, status);
}

pid_t reload_child(const struct master *master)
{
	return master->reload != NULL ? master->reload->trial.pid : 0;
}

void reload_abandon(struct master *master, const char *why)
{
	struct reload *r = master->reload;

	if (r == NULL)
		return;
	if (r->queued != 0)
		jobs_done(&master->jobs, r->queued, false, why, NULL);
	r->queued = 0;
	if (r->state == RELOAD_LOADING || r->state == RELOAD_PROVING)
		reject_text(master, why);
	else
		accept_it(master); /* it is in force; those that were superseded stop with the rest */
}
