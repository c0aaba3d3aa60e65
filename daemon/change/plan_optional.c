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
#include "pool/wind_down.h"

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

/* A former pool of SERVICE serves on while it waits; of a removed one, or if its listeners went to other services, it
 * does not. */
static void end_former(struct fleet *fleet, const char *service, bool always)
{
	struct pool *former = fleet_former(fleet, service);
	bool lent = false;

	for (size_t i = 0; former != NULL && i < former->n_lanes; i++)
		lent = lent || former->listeners[i].fd < 0;
	if (former != NULL && (lent || always))
		wind_down_begin(former, POOL_ENDING, "reload");
}

static void forget_removed(const struct plan *plan, struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next) {
		const struct log_about about = {.service = member->name};

		if (member->now != NULL || is_planned(plan, member))
			continue;
		log_about(LOG_NOTICE, &about, "service removed");
		end_former(fleet, member->name, true);
		member_remove(&fleet->members, member);
	}
}

void plan_optional_commit(const struct plan *plan, struct fleet *fleet)
{
	const struct config *config = plan->generation->config;

	forget_removed(plan, fleet);
	for (size_t i = 0; i < plan->n; i++) {
		struct member *member = plan->items[i].member;

		if (member->now != NULL)
			continue;
		reopen_begin(fleet, &config->services[i], member);
		if (member->now == NULL)
			end_former(fleet, member->name, false);
	}
	fleet->retiring_due = true;
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

void plan_optional_warn(const struct plan *plan, const struct fleet *fleet, json_t *warnings)
{
	char text[512];

	for (size_t i = 0; i < plan->n; i++) {
		const struct member *member = plan->items[i].member;
		const char *why = member_waits_for(member);
		bool former = member->now == NULL && fleet_former(fleet, member->name) != NULL;

		if (why == NULL ||
		    (member->now == NULL && !former && plan->generation->config->services[i].obstacle != NULL))
			continue;
		(void)snprintf(text, sizeof(text),
			       "services.%.64s: %s; the service is optional: it waits, and is tried again%s",
			       member->name, why, former ? "; what served before serves on" : "");
		(void)json_array_append_new(warnings, json_text(text));
	}
}
