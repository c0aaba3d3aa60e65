/* SPDX-License-Identifier: MIT */
#include "change/pause.h"

#include <stdio.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "change/hearing.h"
#include "fleet/retiring.h"
#include "fleet/waiting.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"

struct pause {
	struct operation op;
	int64_t since_ms;
};

/* The service waits: the order is for the time when it can be had. */
static void finish_waiting(struct operation *op, const char *done)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s; the service waits: %s", done, op->member->waiting->why);
	operation_finish(op, true, text, NULL);
}

static void begin_pause(struct operation *op)
{
	struct pool *now = op->member->now, *former;

	if (now == NULL && op->member->waiting != NULL) {
		op->member->paused = true;
		former = fleet_former(op->all->fleet, op->member->name);
		if (former != NULL)
			pool_retire(former, -1);
		finish_waiting(op, "paused");
		return;
	}
	if (now == NULL) {
		operation_finish_removed(op);
		return;
	}
	((struct pause *)op)->since_ms = clock_ms();
	op->member->paused = now->paused = true;
	pool_retire(now, -1);
	DL_FOREACH (op->all->fleet->retiring, former) /* a reload may be about to retire its workers */
		if (former->totals == now->totals)
			pool_retire(former, -1);
	operation_progress(op, "waiting for the workers to hear it");
}

static int64_t step_pause(struct operation *op, int64_t now)
{
	struct pause *pause = (struct pause *)op;
	struct hearing hearing = {0};
	char text[128];

	if (op->member->now == NULL) {
		operation_finish_removed(op);
		return 0;
	}
	hearing_of_service(op->all->fleet, op->member->now, &hearing);
	if (hearing.n_deaf == 0) {
		operation_finish(op, true,
				 op->all->fleet->drained ? "paused; the daemon is drained"
							 : "paused: clients wait in the queue",
				 NULL);
		return 0;
	}
	if (now - pause->since_ms < HEARING_MS)
		return now + HEARING_STEP_MS;
	hearing_write("paused", &hearing, text, sizeof(text));
	operation_finish(op, false, text, NULL);
	return 0;
}

static void end_pause(struct operation *op, const char *why)
{
	operation_finish(op, false, why, NULL);
}

static void begin_resume(struct operation *op)
{
	struct pool *now = op->member->now;
	bool was_paused = op->member->paused;

	op->member->paused = false;
	if (now == NULL && op->member->waiting != NULL) {
		finish_waiting(op, was_paused ? "resumed" : "was not paused");
		return;
	}
	if (now == NULL) {
		operation_finish_removed(op);
		return;
	}
	now->paused = false;
	if (was_paused) {
		pool_look_after(now, false);
		retiring_step(op->all->fleet); /* the pause may have held up a drain */
	}
	if (!was_paused)
		operation_finish(op, true, "was not paused", NULL);
	else
		operation_finish(op, true, op->all->fleet->drained ? "resumed; the daemon is drained" : "resumed",
				 NULL);
}

const struct operation_kind pause_kind = {
	.order = ORDER_PAUSE,
	.name = "pause",
	.doing = "pausing",
	.size = sizeof(struct pause),
	.begin = begin_pause,
	.step = step_pause,
	.end = end_pause,
};

const struct operation_kind resume_kind = {
	.order = ORDER_RESUME,
	.name = "resume",
	.doing = "resuming",
	.size = sizeof(struct operation),
	.begin = begin_resume,
	.end = end_pause,
};
