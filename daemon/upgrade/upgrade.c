/* SPDX-License-Identifier: MIT */
#include "upgrade/upgrade.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exit_text.h"
#include "base/fds.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/signals.h"
#include "base/trial.h"
#include "change/hearing.h"
#include "change/launch.h"
#include "change/start.h"
#include "config/config.h"
#include "fleet/retiring.h"
#include "fleet/waiting.h"
#include "listeners/control_socket.h"
#include "pool/wind_down.h"
#include "upgrade/handover.h"
#include "upgrade/handover_env.h"
#include "upgrade/rehearsal.h"
#include "upgrade/upgrade_rolls.h"

#define RETIRE_MS                                                                                                      \
	5000 /* the verdict waits so long until all workers of the old binary have heard that they must leave */
#define REHEARSED_MS 100 /* an older rehearsal is repeated: binary and configuration may have changed since */
#define STEP_MS	     20

/*
 *	old image: rehearsing -> waiting (until everything can be handed over) -> exec
 *	new image: starting -> rolling (programs only) -> retiring -> verdict
 */
enum upgrade_state { UPGRADE_REHEARSING, UPGRADE_WAITING, UPGRADE_STARTING, UPGRADE_ROLLING, UPGRADE_RETIRING };

struct upgrade {
	struct operation op;
	enum upgrade_state state;
	struct trial trial;
	int64_t since_ms;
	char before[32]; /* the version that was replaced */
	struct upgrade_rolls rolls;
	json_t *failures; /* strings; NULL before the exec */
};

static void enter_state(struct upgrade *u, enum upgrade_state state)
{
	static const char *const texts[] = {
		[UPGRADE_REHEARSING] = "rehearsing with the new binary",
		[UPGRADE_WAITING] = "waiting for removed addresses to be empty",
		[UPGRADE_STARTING] = "starting workers of the new binary",
		[UPGRADE_ROLLING] = "replacing programs",
		[UPGRADE_RETIRING] = "retiring workers of the old binary",
	};

	u->state = state;
	u->since_ms = clock_ms();
	operation_progress(&u->op, texts[state]);
}

/* Takes REASONS over. */
static void reject_upgrade(struct upgrade *u, json_t *reasons)
{
	operation_finish(&u->op, false, "upgrade rejected; the old binary goes on", reasons);
}

/* ---- the old image ---- */

/* Returns only if it fails. */
static void execute_binary(struct upgrade *u)
{
	struct operations *ops = u->op.all;
	json_t *handover = handover_collect(ops, u->op.job);
	const struct launch *launch = ops->launch;
	sigset_t before;
	struct err err;
	int fd = handover_write(handover, &err);

	if (fd >= 0) {
		log_msg(LOG_NOTICE, "executing %s", launch->binary);
		control_socket_before_exec(ops->control);
		handover_keep(handover, true);
		if (handover_env_set(fd, false, &err) == 0) {
			signals_block_all(&before);
			(void)execve(launch->binary, launch->argv, environ);
			(void)err_sys(&err, "cannot execute %s", launch->binary);
			(void)sigprocmask(SIG_SETMASK, &before, NULL);
			handover_env_clear();
		}
		handover_keep(handover, false);
		fd_close(&fd);
	}
	json_decref(handover);
	reject_upgrade(u, json_text_list(err.text));
}

/*
 * A pool whose removed address still has clients in its queue needs workers of its own configuration, which the new
 * image does not have. A pause and an undrain take some seconds, and are not handed over.
 */
static bool can_hand_over(const struct operations *ops)
{
	const struct pool *pool;

	DL_FOREACH (ops->fleet->retiring, pool)
		if (pool->state != POOL_SUPERSEDED && wind_down_is_busy(pool))
			return false;
	return operation_find(ops, ORDER_PAUSE) == NULL && operation_find(ops, ORDER_UNDRAIN) == NULL;
}

static json_t *judge_rehearsal(const struct trial *trial)
{
	bool complete = trial->len >= 2 && strcmp(trial->text + trial->len - 2, ".\n") == 0;
	char how[128], text[512];
	json_t *reasons, *escaped;
	size_t len;
	char *line, *rest = trial->text;

	if (complete && WIFEXITED(trial->status) && WEXITSTATUS(trial->status) == 0)
		return NULL;
	exit_text(trial->status, how, sizeof(how));
	(void)snprintf(text, sizeof(text), "the new binary %s in rehearsal%s", how,
		       trial->late ? ", because it took too long" : "");
	while (*rest == '\n')
		rest++;
	line = strsep(&rest, "\n"); /* the first line becomes part of the verdict's first reason */
	if (line != NULL && line[0] != '\0' && strcmp(line, ".") != 0) {
		escaped = json_text(line);
		len = strlen(text);
		(void)snprintf(text + len, sizeof(text) - len, ": %s", json_string_value(escaped));
		json_decref(escaped);
	}
	reasons = json_text_list(text);
	while ((line = strsep(&rest, "\n")) != NULL && json_array_size(reasons) < 50)
		if (line[0] != '\0')
			(void)json_array_append_new(reasons, json_text(line));
	return reasons;
}

static void on_rehearsed(struct trial *trial, void *userdata)
{
	struct upgrade *u = userdata;
	json_t *reasons = judge_rehearsal(trial);

	if (reasons != NULL) {
		reject_upgrade(u, reasons);
		return;
	}
	trial_clear(&u->trial);
	enter_state(u, UPGRADE_WAITING);
	operations_mark(u->op.all);
}

static void rehearse_binary(struct upgrade *u)
{
	struct err err;

	enter_state(u, UPGRADE_REHEARSING);
	if (rehearsal_start(&u->trial, u->op.all, on_rehearsed, u, &err) < 0)
		reject_upgrade(u, json_text_list(err.text));
}

static void begin_upgrade(struct operation *op)
{
	const struct log_about about = {.message_id = MESSAGE_ID_RELOADING};
	struct upgrade *u = (struct upgrade *)op;

	u->trial.fd = -1;
	log_about(LOG_NOTICE, &about, "upgrading to %s", op->all->launch->binary);
	rehearse_binary(u);
}

bool upgrade_reaped(struct operations *ops, pid_t pid, int status)
{
	struct upgrade *u = (struct upgrade *)operation_find(ops, ORDER_UPGRADE);

	return u != NULL && trial_reaped(&u->trial, pid, status);
}

/* ---- the new image ---- */

int upgrade_resume(struct operations *ops, bool *resumed_out, struct err *err)
{
	struct handover_head head;
	struct upgrade *u;
	json_t *handover;
	int rc;

	*resumed_out = false;
	if (handover_env_take(&handover, err) < 0)
		return -1;
	if (handover == NULL)
		return 0;
	*resumed_out = true;
	head = handover_head(handover);
	u = (struct upgrade *)operation_run(ops, &upgrade_kind, NULL, head.job);
	if (u == NULL) {
		json_decref(handover);
		return err_set(err, "no memory for an upgrade");
	}
	u->trial.fd = -1;
	u->failures = json_array();
	(void)snprintf(u->before, sizeof(u->before), "%s", head.version);
	rc = handover_restore(ops, handover, err);
	json_decref(handover);
	enter_state(u, UPGRADE_STARTING);
	return rc;
}

/* Old programs leave only where they were replaced, or taken over; leftovers of orders before stay what they are. */
static bool may_retire(const struct upgrade *u, const struct pool *former)
{
	if (former->stays || former->yields)
		return upgrade_rolls_have_replaced(&u->rolls, former);
	return true;
}

/* The start does not wait for optional services. The upgrade does for a while: its verdict tells of them. */
static bool are_optional_settled(const struct upgrade *u, int64_t now)
{
	const struct fleet *fleet = u->op.all->fleet;

	for (size_t i = 0; i < fleet->n_pools && now - u->since_ms < RETIRE_MS; i++) {
		const struct pool *pool = fleet->pools[i];

		if (pool->service->optional && !pool->service->program.runs && pool->state == POOL_SERVING &&
		    !pool->paused && !pool_all_ready(pool) && pool->policy.failures == 0)
			return false;
	}
	return true;
}

/* The optional service of FORMER cannot be had in this image, or not yet: FORMER serves on until it can. */
static bool is_waited_for(const struct fleet *fleet, const struct pool *former)
{
	const struct member *member = member_find(fleet->members, former->service->name);

	if (member == NULL)
		return false;
	return member->waiting != NULL || (member->now != NULL && member->now->service->optional &&
					   member->now->state == POOL_SERVING && !pool_all_ready(member->now));
}

static void retire_old(struct upgrade *u)
{
	struct fleet *fleet = u->op.all->fleet;
	struct pool *pool;

	DL_FOREACH (fleet->retiring, pool) {
		if (pool->state != POOL_SUPERSEDED || is_waited_for(fleet, pool) || !may_retire(u, pool))
			continue;
		pool->stays = pool->yields = false;
		wind_down_begin(pool, POOL_ENDING, "upgrade");
	}
	for (size_t i = 0; i < fleet->n_pools; i++)
		retiring_bound(fleet, fleet->pools[i]);
	retiring_settle(fleet); /* for addresses that the new configuration does not have */
	retiring_step(fleet);
	enter_state(u, UPGRADE_RETIRING);
}

static void warn_of_waiting(const struct fleet *fleet, json_t *reasons)
{
	const struct config *config = fleet->generation->config;
	char text[512];

	for (size_t i = 0; i < config->n_services; i++) {
		const struct member *member = member_find(fleet->members, config->services[i].name);

		if (member == NULL || member_waits_for(member) == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "services.%.64s: %s; it waits, and is tried again", member->name,
			       member_waits_for(member));
		(void)json_array_append_new(reasons, json_text(text));
	}
}

/*
 * After the exec there is no way back. If workers of a service cannot start, the service is tried again with growing
 * pauses, the others serve, and the verdict names it.
 */
static void finish_upgrade(struct upgrade *u)
{
	struct fleet *fleet = u->op.all->fleet;
	bool fails = json_array_size(u->failures) > 0;
	json_t *reasons = u->failures;
	char text[192];

	u->failures = NULL;
	for (size_t i = 0; i < fleet->n_pools; i++) {
		const struct pool *pool = fleet->pools[i];

		if (pool->is_rolling || !pool->failed_start || pool->proved || pool->service->optional)
			continue;
		fails = true;
		(void)snprintf(text, sizeof(text), "services.%.64s: its workers cannot start; trying again",
			       pool->service->name);
		(void)json_array_append_new(reasons, json_text(text));
	}
	warn_of_waiting(fleet, reasons);
	hearing_warn(fleet, reasons);
	(void)snprintf(text, sizeof(text), "upgraded: version %s took over from %s%s", PACKAGE_VERSION, u->before,
		       fails ? ", but workers fail" : "");
	operation_finish(&u->op, !fails, text, reasons);
}

/* Programs are replaced when all that need no replacing serve. */
static void begin_rolls(struct upgrade *u, int64_t now)
{
	struct operations *ops = u->op.all;

	ops->has_started = true;
	handover_env_done();
	if (ops->launch->when_ready != NULL)
		ops->launch->when_ready();
	enter_state(u, UPGRADE_ROLLING);
	upgrade_rolls_begin(&u->rolls, ops->fleet, now);
}

static int64_t step_rolls(struct upgrade *u, int64_t now)
{
	char text[192];
	int64_t due;

	if (upgrade_rolls_step(&u->rolls, now, &due, u->failures)) {
		retire_old(u);
		return now;
	}
	upgrade_rolls_describe(&u->rolls, text, sizeof(text));
	operation_progress(&u->op, text);
	return due;
}

static int64_t step_upgrade(struct operation *op, int64_t now)
{
	struct upgrade *u = (struct upgrade *)op;
	struct operations *ops = op->all;
	const char *failed;

	if (u->state == UPGRADE_WAITING && can_hand_over(ops)) {
		if (now - u->since_ms < REHEARSED_MS)
			execute_binary(u);
		else
			rehearse_binary(u);
		return 0;
	}
	if (u->state == UPGRADE_STARTING && start_is_over(ops->fleet, &failed) && are_optional_settled(u, now))
		begin_rolls(u, now);
	if (u->state == UPGRADE_ROLLING)
		return step_rolls(u, now);
	if (u->state == UPGRADE_RETIRING && (retiring_has_heard(ops->fleet) || now - u->since_ms >= RETIRE_MS))
		finish_upgrade(u);
	return now + STEP_MS;
}

static void end_upgrade(struct operation *op, const char *why)
{
	struct upgrade *u = (struct upgrade *)op;

	if (u->state >= UPGRADE_STARTING)
		operation_finish(op, false, why, NULL);
	else
		reject_upgrade(u, json_text_list(why));
}

static bool is_committed(const struct operation *op)
{
	return ((const struct upgrade *)op)->state >= UPGRADE_STARTING;
}

static void clear_upgrade(struct operation *op)
{
	struct upgrade *u = (struct upgrade *)op;

	trial_clear(&u->trial);
	upgrade_rolls_clear(&u->rolls);
	json_decref(u->failures);
}

const struct operation_kind upgrade_kind = {
	.order = ORDER_UPGRADE,
	.name = "upgrade",
	.doing = "upgrading",
	.size = sizeof(struct upgrade),
	.is_changer = true,
	.begin = begin_upgrade,
	.step = step_upgrade,
	.end = end_upgrade,
	.is_committed = is_committed,
	.clear = clear_upgrade,
};
