/* SPDX-License-Identifier: MIT */
#include "fleet/fleet_open.h"

#include <preforkd/module.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "config/diff.h"
#include "config/fingerprint.h"
#include "fleet/fleet.h"
#include "fleet/leftover.h"
#include "fleet/lenders.h"
#include "fleet/waiting.h"
#include "net/inherited.h"
#include "pool/copies.h"
#include "pool/groups.h"
#include "pool/pool_new.h"
#include "pool/pool_take.h"
#include "pool/wind_down.h"
#include "sandbox/walls.h"

/* Workers of a master that was killed hold our addresses until they have cut their clients. */
#define BUSY_MS 1000

/* Takes the listeners that are borrowed, and starts those that do not listen yet. In a drained fleet a new listener is
 * only bound: it keeps its address and refuses clients. */
static int open_listeners(struct fleet *fleet, struct pool *pool, struct err *err)
{
	struct log_about about = pool_about(pool);
	struct err why;

	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];
		const struct config_service *from = NULL;

		if (listener->lender != NULL)
			from = lenders_service(fleet, listener->lender);
		listener_take(listener);
		if (from != NULL && listener_change(listener, from, pool->service, &why) < 0)
			log_about(LOG_WARNING, &about, "%s: %s", listener->text, why.text);
		if (fleet->drained && !listener->listening)
			listener->refusing = true;
		else if (!fleet->drained && listener_readmit(listener, pool->service, &why) < 0)
			log_about(LOG_ERR, &about, "%s",
				  why.text); /* no reason to give up: an undrain had failed at this address before */
		else if (listener_start(listener, pool->service, err) < 0)
			return -1;
		listener_keep(listener, pool->service->name);
	}
	return 0;
}

/* The limits that a resize has ordered. False: none has, or they do not fit the configuration any more. */
static bool find_resized_limits(const struct member *member, const struct config_service *service, size_t n_lanes,
				struct config_workers *out)
{
	if (!member->resized.is_set || member->resized.min < 0 || member->resized.max > CONFIG_WORKERS_MOST ||
	    member->resized.max < (int64_t)n_lanes || member->resized.min * (int64_t)n_lanes > member->resized.max)
		return false;
	*out = service->workers;
	out->min = member->resized.min;
	out->max = member->resized.max;
	if (out->min_spare > out->max)
		out->min_spare = out->max;
	return true;
}

/* Adds POOL to those in force, in the order of the configuration. */
static int add_pool(struct fleet *fleet, struct pool *pool, struct err *err)
{
	const struct config *config = fleet->generation->config;
	struct pool **grown = reallocarray(fleet->pools, fleet->n_pools + 1, sizeof(struct pool *));
	size_t at = fleet->n_pools;

	if (grown == NULL)
		return err_set(err, "no memory for a service");
	fleet->pools = grown;
	while (at > 0 && config_find_service(config, grown[at - 1]->service->name) >
				 config_find_service(config, pool->service->name)) {
		grown[at] = grown[at - 1];
		at--;
	}
	grown[at] = pool;
	fleet->n_pools++;
	return 0;
}

static void remove_pool(struct fleet *fleet, const struct pool *pool)
{
	size_t at = 0;

	while (fleet->pools[at] != pool)
		at++;
	fleet->n_pools--;
	for (; at < fleet->n_pools; at++)
		fleet->pools[at] = fleet->pools[at + 1];
}

/*
 * Programs of the image before: where the configuration is the same, they go on as programs of POOL. Else POOL waits
 * with its own until they are replaced step by step (BY_UPGRADE), or starts them at once. A pool that stays beside the
 * one in force goes on doing so.
 */
static void meet_programs(const struct fleet *fleet, struct pool *pool, struct pool *former, bool by_upgrade)
{
	const struct config *config = fleet->generation->config;
	uint64_t fingerprint = config_fingerprint(config, (size_t)(pool->service - config->services));
	bool beside = leftover_is_beside(fleet, pool);

	if (former == NULL || !pool->service->program.runs || !former->service->program.runs)
		return;
	if (former->fingerprint == fingerprint && pool_take_programs(pool, former)) {
		if (beside)
			copies_begin(pool); /* leftover.c sets the targets */
		return;
	}
	if (former->procs == NULL || !by_upgrade)
		return;
	copies_begin(pool);
	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lane_memory[i].copies = 0;
}

static int put_into_force(struct fleet *fleet, struct pool *pool, struct member *member, struct pool *former,
			  bool by_upgrade, struct err *err)
{
	if (open_listeners(fleet, pool, err) < 0 || fleet_watch(fleet, pool, err) < 0)
		return -1;
	pool->state = POOL_SERVING;
	groups_limit(pool->service); /* another image may have made the group */
	member_replace(member, pool);
	meet_programs(fleet, pool, former, by_upgrade);
	if (fleet->drained)
		wind_down_begin(pool, POOL_DRAINING, "drain");
	if ((pool->service->handler->flags & PREFORKD_COMMAND) != 0)
		fleet->has_programs = true;
	return 0;
}

int fleet_open_service(struct fleet *fleet, const struct config_service *service, const struct listener_offers *offers,
		       struct inherited_set *inherited, int64_t busy_until_ms, bool at_start, struct err *err)
{
	struct pool *former = fleet_former(fleet, service->name);
	struct pool_parts parts = fleet_parts(fleet, fleet->generation, service, former);
	struct member *member = member_get(&fleet->members, service->name);
	struct config_workers limits;
	struct pool *pool;

	if (member == NULL)
		return err_set(err, "no memory for a service");
	if (walls_demand(service, err) < 0 ||
	    listener_open_all(service, offers, inherited, busy_until_ms, &parts.listeners, &parts.n_listeners, err) < 0)
		return -1;
	if (find_resized_limits(member, service, parts.n_listeners, &limits))
		parts.limits = &limits;
	else
		member->resized.is_set = false;
	pool = pool_new(&parts, err);
	if (pool == NULL)
		return -1;
	pool->proved = former != NULL && former->proved;
	if (add_pool(fleet, pool, err) < 0) {
		pool_free(&pool);
		return -1;
	}
	if (put_into_force(fleet, pool, member, former, at_start, err) == 0)
		return 0;
	if (service->optional) { /* else the start fails, and the listeners stay as they are for the next one */
		remove_pool(fleet, pool);
		pool_free(&pool);
	}
	return -1;
}

/* An optional service that cannot be had waits. */
static int open_or_wait(struct fleet *fleet, const struct config_service *service, const struct listener_offers *offers,
			struct inherited_set *inherited, struct err *err)
{
	int64_t patience_ms = service->optional ? 0 : fleet->started_ms + BUSY_MS;
	struct member *member;
	struct err why;
	int rc = service->obstacle != NULL
			 ? err_set(&why, "%s", service->obstacle)
			 : fleet_open_service(fleet, service, offers, inherited, patience_ms, true, &why);

	if (rc == 0)
		return 0;
	if (!service->optional)
		return err_set(err, "service \"%s\": %s", service->name, why.text);
	member = member_get(&fleet->members, service->name);
	if (member == NULL)
		return err_set(err, "no memory for a service");
	waiting_failed(&member->waiting, service->name, why.text);
	return 0;
}

/* The image before may have handed over members of services that are not configured any more. */
static void forget_removed(struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next)
		if (member->now == NULL && member->waiting == NULL)
			member_remove(&fleet->members, member);
}

int fleet_open(struct fleet *fleet, struct inherited_set *inherited, struct err *err)
{
	const struct config *config = fleet->generation->config;
	struct listener_offers offers;
	int rc = 0;

	if (lenders_collect(fleet, &offers, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_services && rc == 0; i++)
		rc = open_or_wait(fleet, &config->services[i], &offers, inherited, err);
	lenders_clear(&offers);
	forget_removed(fleet);
	return rc;
}
