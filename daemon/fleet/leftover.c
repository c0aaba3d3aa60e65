/* SPDX-License-Identifier: MIT */
#include "fleet/leftover.h"

#include <utlist.h>

#include "config/config.h"
#include "fleet/fleet.h"
#include "pool/copies.h"
#include "pool/rolling.h"
#include "pool/wind_down.h"

static struct pool *find_in_force(const struct fleet *fleet, const struct pool *leftover)
{
	for (size_t i = 0; i < fleet->n_pools; i++)
		if (fleet->pools[i]->totals == leftover->totals)
			return fleet->pools[i];
	return NULL;
}

static bool has_copies(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (copies_count(pool, i).present > 0)
			return true;
	return false;
}

/* True: the pool in force has all that it needs, or the leftover nothing more to give. */
static bool yield(struct pool *leftover, const struct pool *now)
{
	if (!leftover->service->program.runs || !now->service->program.runs)
		return pool_all_ready(now);
	for (size_t i = 0; i < leftover->n_lanes; i++) {
		ssize_t lane = copies_find_lane(now, leftover, i);
		int64_t ready = lane >= 0 ? copies_count(now, (size_t)lane).ready : pool_copies(now);

		(void)copies_reduce_unproven(leftover, i, pool_copies(now) - ready);
	}
	return !has_copies(leftover);
}

/* True: the leftover has ended. Only then the pool in force has all its copies again. */
static bool stand_in(const struct pool *leftover, struct pool *now)
{
	if (!now->is_rolling) /* an order that was rejected meanwhile has given the policy its rule back */
		copies_begin(now);
	for (size_t i = 0; i < now->n_lanes; i++) {
		ssize_t lane = copies_find_lane(leftover, now, i);
		int64_t others = lane >= 0 ? copies_count(leftover, (size_t)lane).present : 0;

		now->lane_memory[i].copies = others < pool_copies(now) ? pool_copies(now) - others : 0;
	}
	return !has_copies(leftover);
}

/* An order replaces the programs of the pool in force, and alone says how many there are. */
static bool is_being_replaced(const struct fleet *fleet, const struct pool *now)
{
	const struct member *member = member_find(fleet->members, now->service->name);

	return member != NULL && member->rolling != NULL && member->rolling->state != ROLLING_STUCK;
}

static bool is_over(const struct fleet *fleet, struct pool *leftover, struct pool *now)
{
	if (now == NULL)
		return leftover->yields || leftover->stays;
	if (now->state == POOL_DRAINING || now->state == POOL_DRAINED) /* nobody may accept */
		return leftover->service->program.runs;
	if (is_being_replaced(fleet, now))
		return false;
	return (leftover->yields && yield(leftover, now)) || (leftover->stays && stand_in(leftover, now));
}

void leftover_step(struct fleet *fleet, struct pool *leftover)
{
	struct pool *now = find_in_force(fleet, leftover);

	if (!is_over(fleet, leftover, now))
		return;
	leftover->yields = leftover->stays = false;
	if (now != NULL && !is_being_replaced(fleet, now) && !leftover_is_beside(fleet, now))
		copies_end(now);
	wind_down_begin(leftover, POOL_ENDING, "reload");
}

bool leftover_is_beside(const struct fleet *fleet, const struct pool *pool)
{
	const struct pool *other;

	DL_FOREACH (fleet->retiring, other)
		if (other->totals == pool->totals && (other->yields || other->stays))
			return true;
	return false;
}
