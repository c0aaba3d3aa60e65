/* SPDX-License-Identifier: MIT */
#include "change/plan_optional.h"

#include <stdio.h>

#include "base/json_text.h"
#include "base/log.h"
#include "change/plan.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/reopen.h"
#include "fleet/waiting.h"

static bool is_planned(const struct plan *plan, const struct member *member)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].member == member)
			return true;
	return false;
}

bool plan_optional_is_removed(const struct plan *plan, const struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next)
		if (member->now == NULL && member->waiting != NULL && !is_planned(plan, member))
			return true;
	return false;
}

static void forget_removed(const struct plan *plan, struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next) {
		const struct log_about about = {.service = member->name};

		if (member->now != NULL || is_planned(plan, member))
			continue;
		log_about(LOG_NOTICE, &about, "service removed");
		member_remove(&fleet->members, member);
	}
}

void plan_optional_commit(const struct plan *plan, struct fleet *fleet)
{
	const struct config *config = plan->generation->config;

	forget_removed(plan, fleet);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].member->now == NULL)
			reopen_begin(fleet, &config->services[i], plan->items[i].member);
}

bool plan_optional_has_settled(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->items[i];
		const struct pool *pool = item->member->now;

		if (item->old == NULL && item->fresh == NULL && pool != NULL && pool->state == POOL_SERVING &&
		    !pool->paused && !pool->proved && !pool->failed_start)
			return false;
	}
	return true;
}

void plan_optional_retry(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].member->waiting != NULL)
			reopen_soon(plan->items[i].member);
}

void plan_optional_warn(const struct plan *plan, json_t *warnings)
{
	char text[512];

	for (size_t i = 0; i < plan->n; i++) {
		const struct member *member = plan->items[i].member;
		const char *why = member_waits_for(member);

		if (why == NULL || (member->now == NULL && plan->generation->config->services[i].obstacle != NULL))
			continue;
		(void)snprintf(text, sizeof(text),
			       "services.%.64s: %s; the service is optional: it waits, and is tried again",
			       member->name, why);
		(void)json_array_append_new(warnings, json_text(text));
	}
}
