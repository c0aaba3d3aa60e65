/* SPDX-License-Identifier: MIT */
#include "fleet/lenders.h"

#include <stdlib.h>

#include "base/err.h"
#include "fleet/fleet.h"

static void offer_pool(struct listener_offers *offers, struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];

		/* A unix socket that winds down has lost its path, so it cannot be lent. One with an abstract name
		 * can, unless it was quiesced for good. */
		if (listener->fd < 0 || (pool_winds_down(pool) && listener->addr.sa.sa_family == AF_UNIX &&
					 (listener->addr.un.sun_path[0] != '\0' || listener->for_good)))
			continue;
		offers->items[offers->n++] = listener;
	}
}

int lenders_collect(const struct fleet *fleet, struct listener_offers *offers, struct err *err)
{
	struct fleet_cursor at = {0}, again = {0};
	struct pool *pool;
	size_t n = 1;

	while ((pool = fleet_next(fleet, &at)) != NULL)
		n += pool->n_lanes;
	*offers = (struct listener_offers){.items = calloc(n, sizeof(struct listener *))};
	if (offers->items == NULL)
		return err_set(err, "no memory for the listeners");
	while ((pool = fleet_next(fleet, &again)) != NULL)
		offer_pool(offers, pool);
	return 0;
}

void lenders_clear(struct listener_offers *offers)
{
	free(offers->items);
	*offers = (struct listener_offers){.n = 0};
}

bool lenders_is_own(const struct pool *pool, const struct listener *lender)
{
	return lender >= pool->listeners && lender < pool->listeners + pool->n_lanes;
}

const struct config_service *lenders_service(const struct fleet *fleet, const struct listener *lender)
{
	struct fleet_cursor at = {0};
	const struct pool *pool;

	while ((pool = fleet_next(fleet, &at)) != NULL)
		if (lenders_is_own(pool, lender))
			return pool->service;
	return NULL;
}
