/* SPDX-License-Identifier: MIT */
#include "upgrade/upgrade.h"

#include <errno.h>
#include <jansson.h>
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
#include "base/trial.h"
#include "config/config.h"
#include "fleet/retiring.h"
#include "listeners/control_socket.h"
#include "master/report.h"
#include "master/state.h"
#include "pool/wind_down.h"
#include "upgrade/handover.h"
#include "upgrade/rehearsal.h"

#define RETIRE_MS    5000 /* for the old binary's workers to hear that they are to leave */
#define REHEARSED_MS 100  /* so long a rehearsal is worth something: binary and configuration may have changed since */
#define STEP_MS	     20

/*
 *	old image: rehearsing -> waiting (for what cannot be handed over) -> exec
 *	new image: starting -> retiring -> verdict
 */
enum upgrade_state { UPGRADE_REHEARSING, UPGRADE_WAITING, UPGRADE_STARTING, UPGRADE_RETIRING };

struct upgrade {
	enum upgrade_state state;
	unsigned job;
	struct trial trial;
	int64_t since_ms;
	char before[32]; /* the version that was replaced */
	sd_event_source *timer;
};

static const char *const texts[] = {
	[UPGRADE_REHEARSING] = "rehearsing with the new binary",
	[UPGRADE_WAITING] = "waiting for removed addresses to be empty",
	[UPGRADE_STARTING] = "starting workers of the new binary",
	[UPGRADE_RETIRING] = "retiring workers of the old binary",
};

static void enter(struct master *master, enum upgrade_state state)
{
	master->upgrade->state = state;
	master->upgrade->since_ms = clock_ms();
	jobs_progress(&master->jobs, master->upgrade->job, texts[state]);
}

static void dispose(struct master *master)
{
	struct upgrade *u = master->upgrade;

	master->upgrade = NULL;
	trial_clear(&u->trial);
	(void)sd_event_source_disable_unref(u->timer);
	free(u);
}

/* REASONS is taken over. */
static void finish(struct master *master, bool success, const char *text, json_t *reasons)
{
	unsigned job = master->upgrade->job;

	dispose(master);
	report_verdict(master, success, text, reasons);
	jobs_done(&master->jobs, job, success, text, reasons);
}

static void reject(struct master *master, json_t *reasons)
{
	finish(master, false, "upgrade rejected; the old binary goes on", reasons);
}

/* ---- the old image ---- */

/* Does not return unless it fails. */
static void take_the_step(struct master *master)
{
	json_t *handover = handover_collect(master, master->upgrade->job);
	const struct launch *launch = master->launch;
	struct err err;
	int fd = handover_write(handover, &err);

	if (fd >= 0) {
		log_msg(LOG_NOTICE, "executing %s", launch->binary);
		control_socket_before_exec(master->control_socket);
		handover_keep(handover, true);
		rehearsal_export(fd, false);
		(void)execve(launch->binary, launch->argv, environ);
		(void)err_sys(&err, "cannot execute %s", launch->binary);
		rehearsal_unexport();
		handover_keep(handover, false);
		fd_close(&fd);
	}
	json_decref(handover);
	reject(master, json_text_list(err.text));
}

/* A listener that empties itself needs workers of its own configuration, which the new image does not have. */
static bool can_hand_over(const struct master *master)
{
	const struct pool *pool;

	DL_FOREACH (master->ending, pool)
		if (wind_down_is_busy(pool))
			return false;
	return master->admin.pause_job == 0 && master->admin.undrain_job == 0;
}

static json_t *judge(const struct trial *trial)
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
	line = strsep(&rest, "\n"); /* the first one is what a supervisor is shown */
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

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct master *master = userdata;

	(void)usec;
	(void)sd_event_source_set_time_relative(source, STEP_MS * 1000);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	upgrade_step(master); /* may free the source */
	return 0;
}

static void step_by_clock(struct master *master)
{
	(void)sd_event_add_time_relative(master->event, &master->upgrade->timer, CLOCK_MONOTONIC, STEP_MS * 1000, 1000,
					 on_timer, master);
}

static void on_rehearsed(struct trial *trial, void *userdata)
{
	struct master *master = userdata;
	json_t *reasons = judge(trial);

	if (reasons != NULL) {
		reject(master, reasons);
		return;
	}
	trial_clear(&master->upgrade->trial);
	enter(master, UPGRADE_WAITING);
	if (master->upgrade->timer == NULL)
		step_by_clock(master);
	upgrade_step(master);
}

static void rehearse(struct master *master)
{
	struct err err;

	enter(master, UPGRADE_REHEARSING);
	if (rehearsal_start(&master->upgrade->trial, master, on_rehearsed, master, &err) < 0)
		reject(master, json_text_list(err.text));
}

static void begin(struct master *master, unsigned job)
{
	const struct log_about about = {.message_id = MESSAGE_ID_RELOADING};
	struct upgrade *u = calloc(1, sizeof(*u));

	if (u == NULL) {
		jobs_done(&master->jobs, job, false, "no memory for it", NULL);
		return;
	}
	u->job = job;
	u->trial.fd = -1;
	master->upgrade = u;
	log_about(LOG_NOTICE, &about, "upgrading to %s", master->launch->binary);
	report_reloading();
	rehearse(master);
}

unsigned upgrade_request(struct master *master)
{
	const char *why = NULL;
	unsigned job;

	if (master->upgrade != NULL)
		return master->upgrade->job;
	job = jobs_new(&master->jobs);
	if (master->phase == MASTER_STARTING)
		why = "the daemon has not started yet";
	else if (master->phase == MASTER_STOPPING)
		why = "the daemon stops";
	else if (master->reload != NULL)
		why = "a reload is under way; try again";
	if (why != NULL) {
		log_msg(LOG_ERR, "no upgrade: %s", why); /* who sends a signal hears of it here only */
		jobs_done(&master->jobs, job, false, why, NULL);
	} else {
		begin(master, job);
	}
	return job;
}

/* ---- the new image ---- */

int upgrade_resume(struct master *master, struct err *err)
{
	json_t *handover;
	int rc;

	if (rehearsal_handover(&handover, err) < 0)
		return -1;
	if (handover == NULL)
		return 0;
	master->upgrade = calloc(1, sizeof(*master->upgrade));
	if (master->upgrade == NULL) {
		json_decref(handover);
		return err_set(err, "no memory for an upgrade");
	}
	master->upgrade->trial.fd = -1;
	master->upgrade->job = (unsigned)json_integer_value(json_object_get(handover, "job"));
	(void)snprintf(master->upgrade->before, sizeof(master->upgrade->before), "%s",
		       json_string_value(json_object_get(handover, "version")));
	rc = handover_restore(master, handover, err);
	json_decref(handover);
	enter(master, UPGRADE_STARTING);
	step_by_clock(master);
	return rc;
}

static void retire_old(struct master *master)
{
	struct pool *pool;

	DL_FOREACH (master->ending, pool)
		if (pool->state == POOL_SUPERSEDED)
			wind_down_begin(pool, POOL_ENDING, "upgrade");
	for (size_t i = 0; i < master->n_pools; i++)
		ending_bound(master, master->pools[i]);
	ending_settle(master); /* of addresses that the new configuration does not have */
	enter(master, UPGRADE_RETIRING);
}

void upgrade_step(struct master *master)
{
	struct upgrade *u = master->upgrade;
	char text[128];

	if (u == NULL || master->phase == MASTER_STOPPING)
		return;
	if (u->state == UPGRADE_WAITING && can_hand_over(master)) {
		if (clock_ms() - u->since_ms < REHEARSED_MS)
			take_the_step(master);
		else
			rehearse(master);
		return;
	}
	if (u->state == UPGRADE_STARTING && master->phase == MASTER_SERVING)
		retire_old(master);
	if (u->state != UPGRADE_RETIRING || (!ending_all_told(master) && clock_ms() - u->since_ms < RETIRE_MS))
		return;
	(void)snprintf(text, sizeof(text), "upgraded: version %s took over from %s", PACKAGE_VERSION, u->before);
	finish(master, true, text, NULL);
}

bool upgrade_reaped(struct master *master, pid_t pid, int status)
{
	return master->upgrade != NULL && trial_reaped(&master->upgrade->trial, pid, status);
}

pid_t upgrade_child(const struct master *master)
{
	return master->upgrade != NULL ? master->upgrade->trial.pid : 0;
}

void upgrade_abandon(struct master *master)
{
	if (master->upgrade == NULL)
		return;
	jobs_done(&master->jobs, master->upgrade->job, false, "the daemon stops", NULL);
	dispose(master);
}
