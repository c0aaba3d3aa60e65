/* SPDX-License-Identifier: MIT */
#include "change/rollout.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "change/canary.h"
#include "change/hearing.h"
#include "change/launch.h"
#include "config/config.h"
#include "config/diff.h"
#include "fleet/retiring.h"
#include "listeners/control_socket.h"
#include "pool/rolling.h"

#define RETIRE_MS 5000	/* time for old workers to hear that they are retired; a stopped worker never does */
#define SWAP_MS	  10000 /* time for new workers to be ready; then the old ones are retired in any case */
#define STEP_MS	  5

static void enter_state(struct rollout *r, enum rollout_state state)
{
	static const char *const texts[] = {
		[ROLLOUT_PROVING] = "proving new workers",
		[ROLLOUT_SWAPPING] = "starting new workers",
		[ROLLOUT_RETIRING] = "retiring old workers",
	};

	r->state = state;
	r->since_ms = clock_ms();
	operation_progress(&r->op, texts[state]);
}

/* ---- verdicts ---- */

void rollout_reject(struct rollout *r, json_t *reasons)
{
	char text[64];

	plan_drop(&r->plan, r->op.all->fleet);
	(void)snprintf(text, sizeof(text), "%s rejected; all goes on as before", r->op.kind->name);
	operation_finish(&r->op, false, text, reasons);
}

void rollout_reject_text(struct rollout *r, const char *text)
{
	rollout_reject(r, json_text_list(text));
}

static void accept_plan(struct rollout *r)
{
	char text[192];

	if (r->op.kind->order == ORDER_RESTART)
		(void)snprintf(text, sizeof(text), "%.128s: restarted", r->op.member->name);
	else
		(void)snprintf(text, sizeof(text), "generation %u: %s", r->op.all->fleet->generation->number,
			       r->summary);
	host_limits_tell(r->limits);
	r->op.remarks = json_incref(r->limits);
	if (r->warnings == NULL)
		r->warnings = json_array();
	hearing_warn(r->op.all->fleet, r->warnings);
	operation_finish(&r->op, true, text, json_incref(r->warnings));
}

/* ---- the steps ---- */

void rollout_begin(struct rollout *r)
{
	struct operations *ops = r->op.all;
	struct err err;

	enter_state(r, ROLLOUT_PROVING);
	if (canary_start(&r->plan, ops, &err) < 0)
		rollout_reject_text(r, err.text);
}

static void commit_plan(struct rollout *r)
{
	struct operations *ops = r->op.all;
	struct config *before = ops->fleet->generation->config, *next = r->plan.generation->config;
	bool other_log = config_diff_log(before, next), other_config = before != next;
	struct err err;

	if (plan_listen(&r->plan, ops->fleet, &err) < 0 ||
	    (other_config && control_socket_prepare(ops->control, &next->control, &err) < 0)) {
		rollout_reject_text(r, err.text);
		return;
	}
	plan_describe(&r->plan, ops->fleet, r->summary, sizeof(r->summary));
	plan_commit(&r->plan, ops->fleet); /* this may free BEFORE */
	if (other_config) {
		control_socket_commit(ops->control, &next->control);
		r->limits = host_limits_warnings(&ops->host, next);
	}
	if (other_log)
		launch_log(ops->launch, next);
	canary_release(&r->plan);
	enter_state(r, ROLLOUT_SWAPPING);
}

static void judge_canaries(struct rollout *r)
{
	struct err err;

	switch (canary_judge(&r->plan, r->op.all->fleet, &err)) {
	case CANARY_WAIT:
		return;
	case CANARY_PROVEN:
		commit_plan(r);
		return;
	case CANARY_FAILED:
		rollout_reject_text(r, err.text);
		return;
	}
}

/* True: the old workers may be retired. Programs must all be ready, with a limit for each step (rolling.h); other
 * workers have SWAP_MS. */
static bool are_all_ready(const struct rollout *r, int64_t now)
{
	bool late = now - r->since_ms >= SWAP_MS, all = true;

	for (size_t i = 0; i < r->plan.n; i++) {
		const struct plan_item *item = &r->plan.items[i];
		struct pool *fresh = item->fresh;

		if (fresh == NULL)
			continue;
		if (fresh->service->program.runs)
			all = rolling_step(fresh, item->old, now) && all;
		else if (!late && fresh->state == POOL_SERVING && !fresh->paused && !pool_all_ready(fresh))
			all = false;
	}
	return all;
}

int64_t rollout_step(struct operation *op, int64_t now)
{
	struct rollout *r = (struct rollout *)op;
	struct fleet *fleet = op->all->fleet;

	if (r->state == ROLLOUT_PROVING)
		judge_canaries(r);
	if (r->state == ROLLOUT_SWAPPING && are_all_ready(r, now)) {
		plan_retire(&r->plan, fleet);
		enter_state(r, ROLLOUT_RETIRING);
	}
	if (r->state == ROLLOUT_RETIRING && (retiring_has_heard(fleet) || now - r->since_ms >= RETIRE_MS))
		accept_plan(r);
	return now + STEP_MS;
}

void rollout_end(struct operation *op, const char *why)
{
	struct rollout *r = (struct rollout *)op;

	if (rollout_is_committed(op))
		accept_plan(r); /* the plan is in force; superseded pools end with the daemon */
	else
		rollout_reject_text(r, why);
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
}
