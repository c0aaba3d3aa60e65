/* SPDX-License-Identifier: MIT */
#include "fleet/lenders.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "master/state.h"

static void offer_pool(struct listener_offers *offers, struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];

		/* the path of a unix socket that winds down is gone already; an abstract name is taken as long as
		 * somebody has it */
		if (listener->fd < 0 || (pool_winds_down(pool) && listener->addr.sa.sa_family == AF_UNIX &&
					 (listener->addr.un.sun_path[0] != '\0' || listener->for_good)))
			continue;
		offers->items[offers->n++] = listener;
	}
}

int offers_collect(const struct master *master, struct listener_offers *offers, struct err *err)
{
	struct pool *pool;
	size_t n = 1;

	for (size_t i = 0; i < master->n_pools; i++)
		n += master->pools[i]->n_lanes;
	DL_FOREACH (master->ending, pool)
		n += pool->n_lanes;
	*offers = (struct listener_offers){.items = calloc(n, sizeof(struct listener *))};
	if (offers->items == NULL)
		return err_set(err, "no memory for the listeners");
	for (size_t i = 0; i < master->n_pools; i++)
		offer_pool(offers, master->pools[i]);
	DL_FOREACH (master->ending, pool)
		offer_pool(offers, pool);
	return 0;
}

void offers_clear(struct listener_offers *offers)
{
	free(offers->items);
	*offers = (struct listener_offers){.n = 0};
}

bool offers_is_own(const struct pool *pool, const struct listener *lender)
{
	return lender >= pool->listeners && lender < pool->listeners + pool->n_lanes;
}

const struct config_service *offers_service(const struct master *master, const struct listener *lender)
{
	struct pool *pool;

	for (size_t i = 0; i < master->n_pools; i++)
		if (offers_is_own(master->pools[i], lender))
			return master->pools[i]->service;
	DL_FOREACH (master->ending, pool)
		if (offers_is_own(pool, lender))
			return pool->service;
	return NULL;
}
