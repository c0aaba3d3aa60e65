/* SPDX-License-Identifier: MIT */
#include "fleet/fleet.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "config/config.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_new.h"
#include "pool/pool_watch.h"

/* ---- finding ---- */

struct pool *fleet_find(const struct fleet *fleet, const char *name)
{
	struct member *member = member_find(fleet->members, name);

	return member != NULL ? member->now : NULL;
}

const struct config *fleet_config(const struct fleet *fleet)
{
	return (fleet->reread != NULL ? fleet->reread : fleet->generation)->config;
}

struct pool *fleet_former(const struct fleet *fleet, const char *name)
{
	struct pool *pool;

	DL_FOREACH (fleet->retiring, pool)
		if (pool->state == POOL_SUPERSEDED && strcmp(pool->service->name, name) == 0)
			return pool;
	return NULL;
}

bool fleet_waits(const struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next)
		if (member->now == NULL && member->waiting != NULL)
			return true;
	return false;
}

struct pool *fleet_next(const struct fleet *fleet, struct fleet_cursor *cursor)
{
	struct pool *pool;

	if (cursor->next < fleet->n_pools)
		return fleet->pools[cursor->next++];
	pool = cursor->last == NULL ? fleet->retiring : cursor->last->next;
	if (pool != NULL)
		cursor->last = pool;
	return pool;
}

struct pool_parts fleet_parts(struct fleet *fleet, struct generation *generation, const struct config_service *service,
			      const struct pool *former)
{
	return (struct pool_parts){
		.event = fleet->event,
		.generation = generation,
		.service = service,
		.totals = former != NULL ? former->totals : NULL,
		.sources = former != NULL ? former->sources : NULL,
		.former = former,
		.by_pid = &fleet->by_pid,
		.dead = fleet->dead,
	};
}

/* ---- watching ---- */

static void on_pool_ring(struct pool *pool, void *userdata)
{
	struct fleet *fleet = userdata;

	if (pool_winds_down(pool)) { /* the step may free the pool, so it waits until this event is over */
		board_answer(&pool->board, pool->ring);
		fleet->retiring_due = true;
	} else {
		pool_look_after(pool, false);
	}
	if (fleet->on_event != NULL)
		fleet->on_event(fleet->userdata);
}

int fleet_watch(struct fleet *fleet, struct pool *pool, struct err *err)
{
	return pool_watch(pool, on_pool_ring, fleet, err);
}

void fleet_look_after(struct fleet *fleet, bool tick)
{
	for (size_t i = 0; i < fleet->n_pools && !fleet->is_stopping; i++)
		pool_look_after(fleet->pools[i], tick);
	fleet->retiring_due = true;
}

bool fleet_reaped(struct fleet *fleet, pid_t pid, int status, const struct rusage *usage)
{
	struct proc *proc;

	HASH_FIND(by_pid, fleet->by_pid, &pid, sizeof(pid), proc);
	if (proc == NULL)
		return false;
	pool_worker_gone(proc->pool, proc, status, usage);
	return true;
}

void fleet_close(struct fleet *fleet)
{
	struct pool *pool, *next;

	for (size_t i = 0; i < fleet->n_pools; i++)
		pool_free(&fleet->pools[i]);
	free(fleet->pools);
	fleet->pools = NULL;
	fleet->n_pools = 0;
	DL_FOREACH_SAFE (fleet->retiring, pool, next) {
		DL_DELETE(fleet->retiring, pool);
		pool_free(&pool);
	}
	while (fleet->members != NULL)
		member_remove(&fleet->members, fleet->members);
	inherited_clear(&fleet->inherited);
	fleet->retiring_timer = sd_event_source_disable_unref(fleet->retiring_timer);
	generation_unref(&fleet->reread);
	generation_unref(&fleet->generation);
}
