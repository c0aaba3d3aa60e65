/* SPDX-License-Identifier: MIT */
#include "change/reload.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "change/config_trial.h"
#include "change/launch.h"
#include "change/plan_optional.h"
#include "change/renew.h"
#include "change/rollout.h"
#include "config/config.h"
#include "config/diff.h"
#include "listeners/control_socket.h"

struct reload {
	struct rollout rollout;
	struct config_trial trial;
};

/* Compares a configuration without mistakes with the one in force. */
static void compare_config(struct rollout *r, struct config *config)
{
	struct fleet *fleet = r->op.all->fleet;
	bool outside = config_diff_log(fleet->generation->config, config) ||
		       config_diff_control(fleet->generation->config, config) ||
		       control_socket_is_gone(r->op.all->control);
	struct generation *generation = generation_new(config, fleet->generation->number + 1);
	struct err err = {.text = "no memory for a generation"};
	int rc = generation != NULL ? plan_reload(&r->plan, fleet, generation, &err) : -1;

	generation_unref(&generation); /* the plan has its own reference */
	if (rc < 0) {
		rollout_reject_text(r, err.text);
		return;
	}
	if (!plan_is_empty(&r->plan, fleet) || plan_optional_is_removed(&r->plan, fleet) || outside) {
		rollout_begin(r);
		return;
	}
	generation_unref(&fleet->reread);
	fleet->reread = generation_ref(r->plan.generation);
	plan_optional_retry(&r->plan);
	if (r->warnings == NULL)
		r->warnings = json_array();
	plan_optional_warn(&r->plan, fleet, r->warnings);
	if (renew_listeners(fleet, r->warnings))
		operation_finish(&r->op, true, "nothing has changed", json_incref(r->warnings));
	else
		operation_finish(&r->op, false, "nothing has changed, but not all addresses are there",
				 json_incref(r->warnings));
}

static void on_loaded(struct trial *trial, void *userdata)
{
	struct reload *reload = userdata;
	struct rollout *r = &reload->rollout;
	struct config *config;
	json_t *reasons;

	(void)trial;
	config = config_trial_take(&reload->trial, &reasons);
	if (config == NULL) {
		rollout_reject(r, reasons);
		return;
	}
	r->warnings = reasons;
	compare_config(r, config);
}

static void begin_reload(struct operation *op)
{
	const struct log_about about = {.message_id = MESSAGE_ID_RELOADING};
	struct reload *reload = (struct reload *)op;
	struct operations *ops = op->all;
	struct err err;

	reload->trial.trial.fd = -1;
	log_about(LOG_NOTICE, &about, "reloading %s", ops->launch->source.file);
	host_limits_ask(&ops->host);
	operation_progress(op, "reading the configuration");
	if (config_trial_start(&reload->trial, ops->fleet->event, &ops->launch->source, on_loaded, op, &err) < 0)
		rollout_reject_text(&reload->rollout, err.text);
}

static int64_t step_reload(struct operation *op, int64_t now)
{
	return ((struct rollout *)op)->state == ROLLOUT_PLANNING ? 0 : rollout_step(op, now);
}

static void clear_reload(struct operation *op)
{
	config_trial_clear(&((struct reload *)op)->trial);
	rollout_clear(op);
}

bool reload_reaped(struct operations *ops, pid_t pid, int status)
{
	struct reload *reload = (struct reload *)operation_find(ops, ORDER_RELOAD);

	return reload != NULL && trial_reaped(&reload->trial.trial, pid, status);
}

const struct operation_kind reload_kind = {
	.order = ORDER_RELOAD,
	.name = "reload",
	.doing = "reloading",
	.size = sizeof(struct reload),
	.is_changer = true,
	.begin = begin_reload,
	.step = step_reload,
	.end = rollout_end,
	.is_committed = rollout_is_committed,
	.clear = clear_reload,
};
