/* SPDX-License-Identifier: MIT */
#include "change/plan.h"

#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/lenders.h"
#include "fleet/retiring.h"
#include "net/socket_options.h"
#include "pool/copies.h"
#include "pool/groups.h"
#include "pool/pool.h"
#include "pool/pool_count.h"
#include "pool/pool_new.h"
#include "pool/wind_down.h"
#include "sandbox/walls.h"

/* ---- making ---- */

/* LISTENERS are exactly the listeners of POOL, borrowed. */
static bool has_same_listeners(const struct pool *pool, const struct listener *listeners, size_t n)
{
	if (pool->n_lanes != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (listeners[i].lender == NULL || !lenders_is_own(pool, listeners[i].lender))
			return false;
	return true;
}

/* Tries whether the kernel takes the socket options of SERVICE, before anything has changed. */
static int try_options(const struct fleet *fleet, const struct config_service *service,
		       const struct listener *listeners, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct config_service *from = NULL;

		if (listeners[i].lender != NULL)
			from = lenders_service(fleet, listeners[i].lender);
		if (socket_options_try(listeners[i].addr.sa.sa_family, from != NULL ? &from->socket : NULL,
				       &service->socket, err) < 0)
			return -1;
	}
	return 0;
}

/* A resize has set other limits than those of the configuration. They end with a reload. */
static bool is_resized(const struct pool *pool, const struct config_service *service)
{
	return pool->limits.min != service->workers.min || pool->limits.max != service->workers.max;
}

static int make_item(struct plan *plan, struct fleet *fleet, size_t index, const struct listener_offers *offers,
		     struct err *err)
{
	const struct config *now = fleet->generation->config, *next = plan->generation->config;
	const struct config_service *service = &next->services[index];
	struct plan_item *item = &plan->items[index];
	ssize_t old = config_find_service(now, service->name);
	struct pool_parts parts;

	item->member = member_get(&fleet->members, service->name);
	if (item->member == NULL)
		return err_set(err, "no memory for a service");
	item->old = item->member->now;
	parts = fleet_parts(fleet, plan->generation, service,
			    item->old != NULL ? item->old : fleet_former(fleet, service->name));
	item->added = item->old == NULL && item->member->waiting == NULL;
	if (!item->added && old >= 0)
		item->change = config_diff_service(now, (size_t)old, next, index, item->keys, sizeof(item->keys));
	if (service->optional && item->old == NULL)
		return 0; /* it is opened after the commit (plan_optional.h) */
	if (service->obstacle != NULL && item->change == CHANGE_NONE)
		return 0;
	if (service->obstacle != NULL || walls_demand(service, err) < 0 ||
	    listener_open_all(service, offers, NULL, 0, &parts.listeners, &parts.n_listeners, err) < 0) {
		item->waits = service->optional;
		item->change = CHANGE_LISTENER;
		return item->waits ? 0 : -1;
	}
	if (item->change != CHANGE_NONE && try_options(fleet, service, parts.listeners, parts.n_listeners, err) < 0) {
		listener_give_back(parts.listeners, parts.n_listeners);
		return -1;
	}
	if (item->old != NULL && item->change == CHANGE_NONE && is_resized(item->old, service)) {
		item->change = CHANGE_LIVE;
		(void)snprintf(item->keys, sizeof(item->keys), "workers as configured again");
	}
	if (item->old != NULL && item->change <= CHANGE_LIVE && pool_has_room(item->old, &service->workers) &&
	    has_same_listeners(item->old, parts.listeners, parts.n_listeners)) {
		listener_give_back(parts.listeners, parts.n_listeners);
		return 0;
	}
	item->fresh = pool_new(&parts, err);
	return item->fresh != NULL ? 0 : -1;
}

static int init_plan(struct plan *plan, struct generation *generation, size_t n, struct err *err)
{
	*plan = (struct plan){
		.generation = generation_ref(generation),
		.items = calloc(n, sizeof(*plan->items)),
		.pools = calloc(n, sizeof(*plan->pools)),
		.n = n,
	};
	if (plan->items == NULL || plan->pools == NULL) {
		plan->n = 0;
		return err_set(err, "no memory for a plan");
	}
	for (size_t i = 0; i < n; i++)
		plan->items[i].hold = -1;
	return 0;
}

int plan_reload(struct plan *plan, struct fleet *fleet, struct generation *generation, struct err *err)
{
	const struct config *next = generation->config;
	struct listener_offers offers = {.n = 0};
	struct err why;
	int rc = 0;

	if (init_plan(plan, generation, next->n_services, err) < 0 || lenders_collect(fleet, &offers, err) < 0)
		return -1;
	plan->occasion = "reload";
	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		rc = make_item(plan, fleet, i, &offers, &why);
		if (rc < 0)
			(void)err_set(err, "services.%s: %s", next->services[i].name, why.text);
	}
	lenders_clear(&offers);
	return rc;
}

int plan_replace(struct plan *plan, struct fleet *fleet, struct pool *pool, const struct config_workers *limits,
		 const char *occasion, struct err *err)
{
	struct pool_parts parts = fleet_parts(fleet, fleet->generation, pool->service, pool);
	struct listener_offers offers;
	int rc = -1;

	parts.limits = limits != NULL ? limits : &pool->limits;
	if (init_plan(plan, fleet->generation, fleet->n_pools, err) < 0 || lenders_collect(fleet, &offers, err) < 0)
		return -1;
	plan->occasion = occasion;
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->items[i];

		item->old = fleet->pools[i];
		item->member = member_find(fleet->members, item->old->service->name);
		if (item->old != pool)
			continue;
		item->change = CHANGE_WORKERS;
		(void)snprintf(item->keys, sizeof(item->keys), "%s",
			       limits != NULL ? "workers.min, workers.max" : "restarted");
		if (listener_open_all(pool->service, &offers, NULL, 0, &parts.listeners, &parts.n_listeners, err) == 0)
			item->fresh = pool_new(&parts, err);
		rc = item->fresh != NULL ? 0 : -1;
	}
	lenders_clear(&offers);
	return rc;
}

/* ---- reading ---- */

static bool is_removed(const struct plan *plan, const struct pool *pool)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].old == pool)
			return false;
	return true;
}

bool plan_is_empty(const struct plan *plan, const struct fleet *fleet)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].fresh != NULL || plan->items[i].added || plan->items[i].change != CHANGE_NONE)
			return false;
	for (size_t i = 0; i < fleet->n_pools; i++)
		if (is_removed(plan, fleet->pools[i]))
			return false;
	return true;
}

static unsigned count_removed_waiting(const struct plan *plan, const struct fleet *fleet)
{
	struct member *member, *next;
	unsigned n = 0;

	if (plan->generation == fleet->generation)
		return 0;
	HASH_ITER (hh, fleet->members, member, next)
		n += member->now == NULL && config_find_service(plan->generation->config, member->name) < 0;
	return n;
}

void plan_describe(const struct plan *plan, const struct fleet *fleet, char *out, size_t size)
{
	unsigned changed = 0, added = 0, removed = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->items[i];

		added += item->added;
		changed += !item->added && (item->fresh != NULL || item->change != CHANGE_NONE);
	}
	for (size_t i = 0; i < fleet->n_pools; i++)
		removed += is_removed(plan, fleet->pools[i]);
	removed += count_removed_waiting(plan, fleet);
	(void)snprintf(out, size, "%u service%s changed, %u added, %u removed", changed, changed == 1 ? "" : "s", added,
		       removed);
}

/* ---- doing ---- */

int plan_listen(struct plan *plan, const struct fleet *fleet, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < plan->n; i++) {
		struct pool *pool = plan->items[i].fresh;

		for (size_t k = 0; pool != NULL && k < pool->n_lanes; k++) {
			struct listener *listener = &pool->listeners[k];

			if (listener->lender != NULL)
				continue;
			if (fleet->drained && !listener->listening)
				listener->refusing = true; /* bound, for later */
			else if (listener_start(listener, pool->service, &why) < 0)
				return err_set(err, "services.%s: %s", pool->service->name, why.text);
		}
	}
	return 0;
}

static void change_listener(struct listener *listener, const struct config_service *from,
			    const struct config_service *to)
{
	struct log_about about = {.service = to->name};
	struct err err;

	if (from != NULL && from != to && listener->fd >= 0 && listener_change(listener, from, to, &err) < 0)
		log_about(LOG_WARNING, &about, "%s: %s", listener->text, err.text);
}

static void take_listeners(struct fleet *fleet, struct pool *pool, bool drained)
{
	struct log_about about = pool_about(pool);
	struct err err;

	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];
		const struct config_service *from;

		listener_steer(listener);
		if (listener->lender == NULL) {
			listener_keep(listener, pool->service->name);
			continue;
		}
		from = lenders_service(fleet, listener->lender);
		listener_take(listener);
		change_listener(listener, from, pool->service);
		/* The listener may come from a pool that winds down or is drained. */
		if (!drained && listener_readmit(listener, pool->service, &err) < 0)
			log_about(LOG_ERR, &about, "%s: %s", listener->text, err.text);
	}
}

static void commit_fresh(struct plan_item *item, struct fleet *fleet)
{
	struct log_about about = pool_about(item->fresh);
	struct pool *old = item->old;
	struct err err;

	if (fleet_watch(fleet, item->fresh, &err) < 0)
		log_about(LOG_ERR, &about, "%s; new workers start only once a second", err.text);
	take_listeners(fleet, item->fresh, fleet->drained);
	item->fresh->state = POOL_SERVING;
	member_replace(item->member, item->fresh);
	if (fleet->drained) {
		wind_down_begin(item->fresh, POOL_DRAINING, "drain");
		retiring_step(fleet);
	}
	if (old == NULL)
		return;
	item->crashed_before_ms = old->crashes.last_ms;
	old->state = POOL_SUPERSEDED;
	retiring_add(fleet, old);
}

static void commit_kept(struct plan_item *item, struct plan *plan)
{
	const struct config *config = plan->generation->config;
	const struct config_service *before = item->old->service;
	struct pool *pool = item->old;

	if (pool->generation == plan->generation)
		return; /* only another pool is replaced (plan_replace()) */
	pool->service = &config->services[item - plan->items];
	for (size_t i = 0; i < pool->n_lanes; i++)
		change_listener(&pool->listeners[i], before, pool->service);
	pool_set_limits(pool, &pool->service->workers);
	generation_unref(&pool->generation); /* this may free BEFORE */
	pool->generation = generation_ref(plan->generation);
}

static void log_item(const struct plan_item *item)
{
	const struct pool *pool = item->fresh != NULL ? item->fresh : item->old;
	struct log_about about;

	if (pool == NULL || item->waits) /* the verdict tells it */
		return;
	about = pool_about(pool);
	if (item->old == NULL)
		log_about(LOG_NOTICE, &about, "new service");
	else if (item->fresh != NULL)
		log_about(LOG_NOTICE, &about, "new generation of workers%s%s", item->keys[0] != '\0' ? ": " : "",
			  item->keys);
	else if (item->change != CHANGE_NONE)
		log_about(LOG_NOTICE, &about, "changed: %s", item->keys);
}

/* Ends the pools of services that are not configured any more: their clients, queued or connected, are served. */
static void commit_removed(struct plan *plan, struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_pools; i++) {
		struct pool *pool = fleet->pools[i];
		struct log_about about = pool_about(pool);

		if (!is_removed(plan, pool))
			continue;
		log_about(LOG_NOTICE, &about, "service removed");
		member_remove(&fleet->members, member_find(fleet->members, pool->service->name));
		wind_down_begin(pool, POOL_ENDING, plan->occasion);
		retiring_add(fleet, pool);
	}
}

static void forget_rollings(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].member != NULL)
			plan->items[i].member->rolling = NULL;
}

/* The new form of an optional service cannot be had. Its pool serves on, as a former one, until it can. */
static void commit_waiting(struct plan_item *item, const struct plan *plan, struct fleet *fleet)
{
	struct pool *old = item->old;

	item->member->now = NULL;
	if (pool_winds_down(old) || old->state == POOL_DRAINED)
		wind_down_begin(old, POOL_ENDING, plan->occasion);
	else
		old->state = POOL_SUPERSEDED;
	retiring_add(fleet, old);
}

/* A resize holds until the next configuration is in force. */
static void forget_resizes(struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next)
		member->resized.is_set = false;
}

void plan_commit(struct plan *plan, struct fleet *fleet)
{
	struct pool **pools = plan->pools;
	size_t n = 0;

	plan->pools = NULL;
	/* Removed pools come last, because their listeners may move to other services. */
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->items[i];

		log_item(item);
		if (item->fresh != NULL)
			commit_fresh(item, fleet);
		else if (item->waits)
			commit_waiting(item, plan, fleet);
		else if (item->old != NULL)
			commit_kept(item, plan);
		pools[n] = item->member->now;
		n += pools[n] != NULL;
	}
	commit_removed(plan, fleet);
	forget_rollings(plan);
	free(fleet->pools);
	fleet->pools = pools;
	fleet->n_pools = n;
	for (size_t i = 0; i < n; i++) {
		if ((pools[i]->service->handler->flags & PREFORKD_COMMAND) != 0)
			fleet->has_programs = true;
		groups_limit(pools[i]->service);
	}
	if (fleet->generation != plan->generation) {
		generation_unref(&fleet->reread);
		generation_unref(&fleet->generation);
		fleet->generation = generation_ref(plan->generation);
		forget_resizes(fleet);
	}
}

/* At each address that takes clients a worker of FRESH is ready, or none is wanted. */
static bool can_take_over(const struct pool *fresh)
{
	if (fresh->state != POOL_SERVING || fresh->paused)
		return true;
	for (size_t i = 0; i < fresh->n_lanes; i++) {
		struct pool_counts n = pool_count(fresh, (ssize_t)i);

		if (copies_are_due(fresh, i) && n.idle + n.busy == 0)
			return false;
	}
	return true;
}

/* All former generations that serve on: the one that FRESH has replaced, and leftovers of orders before. If FRESH has
 * nobody to take the clients, they stay until it has. */
static void retire_formers(const struct pool *fresh, const char *occasion, struct fleet *fleet)
{
	bool may_leave = can_take_over(fresh);
	struct pool *former;

	DL_FOREACH (fleet->retiring, former) {
		if (former->state != POOL_SUPERSEDED || former->totals != fresh->totals)
			continue;
		former->stays = false;
		former->yields = !may_leave;
		if (may_leave)
			wind_down_begin(former, POOL_ENDING, occasion);
	}
}

void plan_retire(const struct plan *plan, struct fleet *fleet)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].fresh != NULL)
			retire_formers(plan->items[i].fresh, plan->occasion, fleet);
	retiring_settle(fleet); /* wind_down_begin() has quiesced listeners that were not taken over */
	retiring_step(fleet);
}

/* Removes the members that the plan has made for new services. */
static void forget_new(const struct plan *plan, struct fleet *fleet)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].member != NULL && plan->items[i].added)
			member_remove(&fleet->members, plan->items[i].member);
}

void plan_drop(struct plan *plan, struct fleet *fleet)
{
	forget_rollings(plan);
	forget_new(plan, fleet);
	for (size_t i = 0; i < plan->n; i++) {
		struct pool *fresh = plan->items[i].fresh;

		plan->items[i].fresh = NULL;
		if (fresh == NULL)
			continue;
		for (size_t k = 0; k < fresh->n_lanes; k++)
			listener_close(&fresh->listeners[k]);
		if (fresh->yields)
			fresh->state = POOL_SUPERSEDED;
		else
			wind_down_begin(fresh, POOL_ENDING, plan->occasion);
		retiring_add(fleet, fresh);
	}
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		plan->items[i].hold_source = sd_event_source_disable_unref(plan->items[i].hold_source);
		fd_close(&plan->items[i].hold);
	}
	free(plan->items);
	free(plan->pools);
	generation_unref(&plan->generation);
	*plan = (struct plan){.n = 0};
}
