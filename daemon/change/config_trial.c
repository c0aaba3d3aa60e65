/* SPDX-License-Identifier: MIT */
#include "change/config_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>

#include "base/child.h"
#include "base/err.h"
#include "base/exit_text.h"
#include "base/fds.h"
#include "base/json_text.h"
#include "base/notify.h"
#include "base/title.h"
#include "config/config.h"
#include "config/given.h"
#include "syntax/problems.h"

#define LOAD_MS	   60000 /* time for the child: it resolves names */
#define ALIVE_USEC 1000000
#define TEXT_GIVEN "."

/* ---- the child ---- */

/* Writes ".", or why the configuration cannot be given to the master. */
static int read_config(void *arg, int out)
{
	const struct config_trial *t = arg;
	/* A client of the master must see the end of its connection when the master closes it, not when this child
	 * ends. */
	int keep[] = {out, t->region.fd};
	struct err err;

	if (fds_close_except(keep, 2) < 0) {
		(void)dprintf(out, "cannot close descriptors: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	title_prefix("reads the configuration");
	if (given_fill(t->source, &t->region, &err) < 0) {
		(void)dprintf(out, "%s", err.text);
		return EXIT_FAILURE;
	}
	return dprintf(out, TEXT_GIVEN) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the master ---- */

int config_trial_start(struct config_trial *t, sd_event *event, const struct config_source *source,
		       void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err)
{
	*t = (struct config_trial){.trial = {.fd = -1}, .source = source};
	if (region_reserve(&t->region, err) < 0)
		return -1;
	if (trial_start(&t->trial, event, read_config, t, LOAD_MS, done, userdata, err) < 0) {
		region_free(&t->region);
		return -1;
	}
	region_hide(&t->region);
	return 0;
}

static json_t *explain_end(const struct trial *trial)
{
	char how[128], text[512];
	bool ended = WIFEXITED(trial->status);

	exit_text(trial->status, how, sizeof(how));
	if (ended && WEXITSTATUS(trial->status) == EX_OSERR) /* arena_check() */
		(void)snprintf(text, sizeof(text), "no memory to read the configuration");
	else
		(void)snprintf(text, sizeof(text), "the process that read the configuration %s%s%s%.256s", how,
			       trial->late ? ", because it took too long" : "", trial->len > 0 ? ": " : "",
			       trial->text);
	return json_text_list(text);
}

static json_t *list_problems(const struct problems *problems, int level)
{
	json_t *list = json_array();

	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *p = problems_get(problems, i);

		/* A path may hold any bytes. Those that are not UTF-8 were escaped when the problem was noted. */
		if (p->level == level)
			(void)json_array_append_new(list, json_string(p->text));
	}
	return list;
}

struct config *config_trial_take(struct config_trial *t, json_t **reasons_out)
{
	const struct trial *trial = &t->trial;
	const struct given *given;
	struct config *config;
	struct err err;

	if (strcmp(trial->text, TEXT_GIVEN) != 0 || !WIFEXITED(trial->status) || WEXITSTATUS(trial->status) != 0) {
		*reasons_out = explain_end(trial);
		return NULL;
	}
	given = given_take(&t->region, &err);
	if (given == NULL) {
		*reasons_out = json_text_list(err.text);
		return NULL;
	}
	config = given->config;
	*reasons_out = list_problems(given->problems, config != NULL ? LOG_WARNING : LOG_ERR);
	if (config == NULL)
		return NULL;
	t->region = (struct region){.fd = -1}; /* it is the configuration's now */
	if (given_load_modules(config, &err) == 0)
		return config;
	json_decref(*reasons_out);
	*reasons_out = json_text_list(err.text);
	config_free(&config);
	return NULL;
}

void config_trial_clear(struct config_trial *t)
{
	trial_clear(&t->trial);
	if (t->source != NULL)
		region_free(&t->region);
	t->source = NULL;
}

/* ---- at once ---- */

static void on_over(struct trial *trial, void *userdata)
{
	(void)trial;
	(void)userdata;
}

/* Waits for the child. The service manager's watchdog must not take the wait for a fault. */
static int wait_for_child(struct config_trial *t, sd_event *event, const struct config_source *source, struct err *err)
{
	pid_t pid;

	if (config_trial_start(t, event, source, on_over, NULL, err) < 0)
		return -1;
	pid = t->trial.pid;
	while (!t->trial.over) {
		notify_send("WATCHDOG=1");
		if (sd_event_run(event, ALIVE_USEC) < 0) {
			child_kill(pid);
			break;
		}
	}
	(void)trial_reaped(&t->trial, pid, child_wait(pid));
	return 0;
}

struct config *config_trial_now(const struct config_source *source, json_t **reasons_out)
{
	struct config_trial t = {.trial = {.fd = -1}};
	struct config *config = NULL;
	sd_event *event = NULL;
	struct err err;
	int rc = sd_event_new(&event);

	rc = rc < 0 ? err_code(&err, -rc, "cannot set up the event loop") : wait_for_child(&t, event, source, &err);
	if (rc < 0)
		*reasons_out = json_text_list(err.text);
	else
		config = config_trial_take(&t, reasons_out);
	config_trial_clear(&t);
	(void)sd_event_unref(event);
	return config;
}
