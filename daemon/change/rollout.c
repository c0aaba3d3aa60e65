/* SPDX-License-Identifier: MIT */
#include "change/rollout.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "change/canary.h"
#include "change/hearing.h"
#include "change/launch.h"
#include "change/plan_optional.h"
#include "change/renew.h"
#include "change/rolls.h"
#include "change/worker_watch.h"
#include "config/config.h"
#include "config/diff.h"
#include "fleet/fleet.h"
#include "fleet/retiring.h"
#include "listeners/control_socket.h"

#define RETIRE_MS 5000 /* time for old workers to hear that they are retired; a stopped worker never does */
#define STEP_MS	  5

static void enter_state(struct rollout *r, enum rollout_state state)
{
	static const char *const texts[] = {
		[ROLLOUT_PROVING] = "proving new workers",
		[ROLLOUT_ROLLING] = "replacing programs",
		[ROLLOUT_BACKING] = "going back",
		[ROLLOUT_SWAPPING] = "starting new workers",
		[ROLLOUT_RETIRING] = "retiring old workers",
		[ROLLOUT_WATCHING] = "watching the new workers",
	};

	r->state = state;
	r->since_ms = clock_ms();
	operation_progress(&r->op, texts[state]);
}

/* ---- verdicts ---- */

static void reject_with_text(struct rollout *r, const char *text, json_t *reasons)
{
	plan_drop(&r->plan, r->op.all->fleet);
	operation_finish(&r->op, false, text, reasons);
}

void rollout_reject(struct rollout *r, json_t *reasons)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s rejected; all goes on as before", r->op.kind->name);
	reject_with_text(r, text, reasons);
}

void rollout_reject_text(struct rollout *r, const char *text)
{
	rollout_reject(r, json_text_list(text));
}

static json_t *take_failures(struct rollout *r)
{
	json_t *failures = r->failures;

	r->failures = NULL;
	return failures;
}

/* Rejects it where copies of programs are missing: they are started again, and the new ones serve until then. */
static void reject_half_way(struct rollout *r)
{
	char missing[192], text[256];

	rolls_let_go(&r->plan, missing, sizeof(missing));
	if (missing[0] == '\0') {
		rollout_reject(r, take_failures(r));
		return;
	}
	(void)snprintf(text, sizeof(text), "%s rejected; %s", r->op.kind->name, missing);
	reject_with_text(r, text, take_failures(r));
}

static void accept_plan(struct rollout *r)
{
	bool fails, lacks_address;
	char text[192];

	if (r->warnings == NULL)
		r->warnings = json_array();
	lacks_address = !renew_listeners(r->op.all->fleet, r->warnings);
	fails = json_array_size(r->failures) > 0 || lacks_address;
	if (r->op.kind->order == ORDER_RESTART)
		(void)snprintf(text, sizeof(text), "%.128s: restarted", r->op.member->name);
	else if (fails)
		(void)snprintf(text, sizeof(text), "generation %u is in force, but %s",
			       r->op.all->fleet->generation->number,
			       lacks_address ? "not all addresses are there" : "new workers fail");
	else
		(void)snprintf(text, sizeof(text), "generation %u: %s", r->op.all->fleet->generation->number,
			       r->summary);
	host_limits_tell(r->limits);
	r->op.remarks = json_incref(r->limits);
	if (r->failures != NULL)
		(void)json_array_extend(r->warnings, r->failures);
	rolls_warn(&r->plan, r->warnings);
	plan_optional_warn(&r->plan, r->op.all->fleet, r->warnings);
	hearing_warn(r->op.all->fleet, r->warnings);
	operation_finish(&r->op, !fails, text, json_incref(r->warnings));
}

/* ---- before the commit ---- */

void rollout_begin(struct rollout *r)
{
	struct operations *ops = r->op.all;
	struct err err;

	enter_state(r, ROLLOUT_PROVING);
	if (canary_start(&r->plan, ops, &err) < 0)
		rollout_reject_text(r, err.text);
}

static void go_back(struct rollout *r)
{
	if (rolls_back(&r->plan, clock_ms()))
		enter_state(r, ROLLOUT_BACKING);
	else
		rollout_reject(r, take_failures(r));
}

/* It is in force, but this was not done. */
static void note(struct rollout *r, const char *text)
{
	if (r->warnings == NULL)
		r->warnings = json_array();
	(void)json_array_append_new(r->warnings, json_text(text));
}

static void commit_plan(struct rollout *r)
{
	struct operations *ops = r->op.all;
	struct config *before = ops->fleet->generation->config, *next = r->plan.generation->config;
	bool other_log = config_diff_log(before, next), other_config = before != next;
	struct err err;

	if (plan_listen(&r->plan, ops->fleet, &err) < 0 ||
	    (other_config && control_socket_prepare(ops->control, &next->control, &err) < 0)) {
		(void)json_array_append_new(r->failures, json_text(err.text));
		go_back(r);
		return;
	}
	plan_describe(&r->plan, ops->fleet, r->summary, sizeof(r->summary));
	plan_commit(&r->plan, ops->fleet); /* this may free BEFORE */
	if (other_config) {
		plan_optional_commit(&r->plan, ops->fleet);
		if (control_socket_commit(ops->control, &next->control, &err) < 0)
			note(r, err.text);
		r->limits = host_limits_warnings(&ops->host, next);
	}
	if (other_log)
		launch_log(ops->launch, next);
	canary_release(&r->plan);
	enter_state(r, ROLLOUT_SWAPPING);
}

/* Steps canaries and programs. Returns how far the one is that is least far. */
static enum rolls_verdict prove_plan(struct rollout *r, int64_t now, int64_t *due_out)
{
	enum rolls_verdict programs = rolls_step(&r->plan, r->op.all->fleet, now, due_out, r->failures);
	enum canary_verdict workers;
	struct err err;

	if (programs == ROLLS_FAILED)
		return ROLLS_FAILED;
	workers = canary_revive(&r->plan, r->op.all, &err) < 0 ? CANARY_FAILED : canary_judge(&r->plan, &err);
	if (workers == CANARY_FAILED) {
		(void)json_array_append_new(r->failures, json_text(err.text));
		return ROLLS_FAILED;
	}
	if (workers == CANARY_WAIT) {
		*due_out = now + STEP_MS;
		return ROLLS_WAIT;
	}
	return programs;
}

static void report_rolling(struct rollout *r)
{
	char text[192];

	rolls_describe(&r->plan, text, sizeof(text));
	if (text[0] != '\0')
		operation_progress(&r->op, text);
}

static int64_t step_before(struct rollout *r, int64_t now)
{
	int64_t due = 0;
	enum rolls_verdict verdict = prove_plan(r, now, &due);

	if (verdict == ROLLS_FAILED) {
		go_back(r);
		return now;
	}
	if (verdict == ROLLS_DONE) {
		commit_plan(r);
		return now;
	}
	if (verdict == ROLLS_PROVEN) {
		if (r->state == ROLLOUT_PROVING)
			enter_state(r, ROLLOUT_ROLLING);
		rolls_go(&r->plan, now);
		due = now;
	}
	report_rolling(r);
	return due;
}

static int64_t step_backing(struct rollout *r, int64_t now)
{
	int64_t due = 0;

	switch (rolls_step_back(&r->plan, r->op.all->fleet, now, &due)) {
	case ROLLS_DONE:
		rollout_reject(r, take_failures(r));
		return 0;
	case ROLLS_STUCK:
		reject_half_way(r);
		return 0;
	case ROLLS_WAIT:
	case ROLLS_PROVEN:
	case ROLLS_FAILED:
		break;
	}
	report_rolling(r);
	return due;
}

/* ---- after the commit ---- */

static int64_t step_after(struct rollout *r, int64_t now)
{
	struct fleet *fleet = r->op.all->fleet;
	int64_t watch = worker_watch_time(&r->plan);

	if (r->state == ROLLOUT_SWAPPING) {
		bool late = now - r->since_ms >= worker_watch_patience(&r->plan);

		if (!worker_watch_ready(&r->plan, late ? r->failures : NULL) && !late)
			return now + STEP_MS;
		plan_retire(&r->plan, fleet);
		enter_state(r, ROLLOUT_RETIRING);
	}
	if (r->state == ROLLOUT_RETIRING) {
		bool over = retiring_has_heard(fleet) && plan_optional_has_settled(&r->plan);

		if (!over && now - r->since_ms < RETIRE_MS)
			return now + STEP_MS;
		enter_state(r, ROLLOUT_WATCHING);
	}
	if (now - r->since_ms < watch)
		return r->since_ms + watch;
	worker_watch_judge(&r->plan, r->since_ms, r->failures);
	accept_plan(r);
	return 0;
}

int64_t rollout_step(struct operation *op, int64_t now)
{
	struct rollout *r = (struct rollout *)op;

	if (r->failures == NULL && !op->is_over)
		r->failures = json_array();
	switch (r->state) {
	case ROLLOUT_PROVING:
	case ROLLOUT_ROLLING:
		return step_before(r, now);
	case ROLLOUT_BACKING:
		return step_backing(r, now);
	case ROLLOUT_SWAPPING:
	case ROLLOUT_WATCHING:
	case ROLLOUT_RETIRING:
		return step_after(r, now);
	case ROLLOUT_PLANNING:
		break;
	}
	return 0;
}

void rollout_end(struct operation *op, const char *why)
{
	struct rollout *r = (struct rollout *)op;

	if (rollout_is_committed(op)) {
		accept_plan(r); /* the plan is in force; superseded pools end with the daemon */
		return;
	}
	if (r->failures == NULL)
		r->failures = json_array();
	(void)json_array_append_new(r->failures, json_text(why));
	(void)rolls_back(&r->plan, clock_ms());
	reject_half_way(r);
}

bool rollout_is_committed(const struct operation *op)
{
	return ((const struct rollout *)op)->state >= ROLLOUT_SWAPPING;
}

void rollout_clear(struct operation *op)
{
	struct rollout *r = (struct rollout *)op;

	plan_clear(&r->plan);
	json_decref(r->warnings);
	json_decref(r->limits);
	json_decref(r->failures);
}
