/* SPDX-License-Identifier: MIT */
#include "change/restart.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "change/rollout.h"
#include "fleet/reopen.h"
#include "fleet/waiting.h"
#include "pool/pool.h"

/* The service waits: nothing runs that could be restarted, but the next try need not wait. */
static void retry_waiting(struct operation *op)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "the service waits: %s; it is tried again now", op->member->waiting->why);
	reopen_soon(op->member);
	operation_finish(op, false, text, NULL);
}

static void begin_restart(struct operation *op)
{
	struct rollout *r = (struct rollout *)op;
	struct fleet *fleet = op->all->fleet;
	struct pool *pool = op->member->now;
	struct log_about about;
	struct err err;

	if (pool == NULL && op->member->waiting != NULL) {
		retry_waiting(op);
		return;
	}
	if (pool == NULL) {
		operation_finish_removed(op);
		return;
	}
	about = pool_about(pool);
	about.message_id = MESSAGE_ID_RELOADING;
	log_about(LOG_NOTICE, &about, "restarting");
	if (op->member->paused || fleet->drained) { /* the service gets new workers anyway when it serves again */
		operation_finish(op, true,
				 op->member->paused ? "starts anew when it is resumed"
						    : "starts anew when it is undrained",
				 NULL);
		return;
	}
	pool_policy_proved(&pool->policy);
	if (plan_replace(&r->plan, fleet, pool, NULL, "restart", &err) < 0)
		rollout_reject_text(r, err.text);
	else
		rollout_begin(r);
}

const struct operation_kind restart_kind = {
	.order = ORDER_RESTART,
	.name = "restart",
	.doing = "restarting",
	.size = sizeof(struct rollout),
	.is_changer = true,
	.begin = begin_restart,
	.step = rollout_step,
	.end = rollout_end,
	.is_committed = rollout_is_committed,
	.clear = rollout_clear,
};
