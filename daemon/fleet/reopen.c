/* SPDX-License-Identifier: MIT */
#include "fleet/reopen.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exit_text.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/title.h"
#include "config/config.h"
#include "config/obstacle.h"
#include "fleet/fleet.h"
#include "fleet/fleet_open.h"
#include "fleet/lenders.h"
#include "fleet/retiring.h"
#include "fleet/waiting.h"
#include "pool/pool_look.h"
#include "pool/pool_policy.h"
#include "pool/wind_down.h"

#define LOOK_MS 60000 /* time for the child that looks for obstacles */

/* ---- the child ---- */

static int run_look(void *arg, int out)
{
	struct err err;

	title_prefix("looks for what a service lacks");
	if (obstacle_find(arg, &err) == 0)
		(void)snprintf(err.text, sizeof(err.text), ".");
	return write(out, err.text, strlen(err.text)) < 0;
}

static void on_looked(struct trial *trial, void *userdata)
{
	struct member *member = userdata;
	char how[128], why[256];

	if (strcmp(trial->text, ".") == 0) {
		member->waiting->is_clear = true;
	} else if (trial->len > 0) {
		(void)snprintf(why, sizeof(why), "%s", trial->text);
		waiting_failed(&member->waiting, member->name, why);
	} else {
		exit_text(trial->status, how, sizeof(how));
		(void)snprintf(why, sizeof(why), "the process that looks for what it lacks %s", how);
		waiting_failed(&member->waiting, member->name, why);
	}
	trial_clear(trial);
}

/* ---- the master ---- */

/* NAME is for the log; NULL: the caller logs a failure. */
static void open_service(struct fleet *fleet, const struct config_service *service, struct member *member,
			 const char *name)
{
	struct listener_offers offers = {.n = 0};
	struct err err;

	if (lenders_collect(fleet, &offers, &err) < 0 ||
	    fleet_open_service(fleet, service, &offers, &fleet->inherited, 0, false, &err) < 0)
		waiting_failed(&member->waiting, name, err.text);
	else
		pool_look_after(member->now, false);
	lenders_clear(&offers);
}

void reopen_begin(struct fleet *fleet, const struct config_service *service, struct member *member)
{
	if (member->waiting != NULL)
		member->waiting->delay_ms = 0;
	if (service->obstacle != NULL)
		waiting_failed(&member->waiting, NULL, service->obstacle);
	else
		open_service(fleet, service, member, NULL);
}

/* Pools of the image or of the generation before have served on meanwhile. */
static void retire_formers(struct fleet *fleet, const struct member *member)
{
	struct pool *former;

	if (!pool_all_ready(member->now) || member->now->policy.failures > 0)
		return;
	DL_FOREACH (fleet->retiring, former)
		if (former->state == POOL_SUPERSEDED && former->totals == member->now->totals && !former->stays &&
		    !former->yields)
			wind_down_begin(former, POOL_ENDING, "reload");
	fleet->retiring_due = true;
}

static void end_wait(struct member *member)
{
	struct log_about about = {.service = member->name};
	char time[32];

	format_duration((clock_ms() - member->waiting->since_ms) / 1000 * 1000, time, sizeof(time));
	log_about(LOG_NOTICE, &about, "it has waited for %s, and serves now", time);
	waiting_free(&member->waiting);
}

static void step_member(struct fleet *fleet, const struct config_service *service, struct member *member)
{
	struct waiting *waiting = member->waiting;
	const struct pool *pool = member->now;
	struct err err;

	if (pool != NULL && waiting == NULL && pool->failed_start && !pool->proved) {
		waiting_failed(&member->waiting, service->name, WAITING_FOR_WORKERS);
	} else if (pool == NULL && waiting == NULL) {
		waiting_failed(&member->waiting, service->name, "no memory");
	} else if (waiting == NULL) {
		retire_formers(fleet, member);
	} else if (pool != NULL && pool->proved) {
		end_wait(member);
	} else if (pool == NULL && waiting->is_clear) {
		open_service(fleet, service, member, member->name);
	} else if (pool == NULL && waiting->trial.pid == 0 && clock_ms() >= waiting->next_ms &&
		   trial_start(&waiting->trial, fleet->event, run_look, (void *)(uintptr_t)service, LOOK_MS, on_looked,
			       member, &err) < 0) {
		waiting_failed(&member->waiting, service->name, err.text);
	}
}

void reopen_step(struct fleet *fleet)
{
	const struct config *config = fleet->generation->config;

	for (size_t i = 0; i < config->n_services && !fleet->is_stopping; i++) {
		struct member *member = NULL;

		if (config->services[i].optional)
			member = member_get(&fleet->members, config->services[i].name);
		if (member != NULL)
			step_member(fleet, &config->services[i], member);
	}
}

void reopen_soon(struct member *member)
{
	if (member->now != NULL)
		pool_policy_proved(&member->now->policy);
	member->waiting->delay_ms = 0;
	member->waiting->next_ms = 0;
}

bool reopen_reaped(struct fleet *fleet, pid_t pid, int status)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next)
		if (member->waiting != NULL && trial_reaped(&member->waiting->trial, pid, status))
			return true;
	return false;
}
