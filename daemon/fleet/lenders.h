/* SPDX-License-Identifier: MIT */
/* Master. The listeners that the fleet's pools have, offered to the pools that a new generation makes. */
#ifndef PREFORKD_FLEET_LENDERS_H
#define PREFORKD_FLEET_LENDERS_H

#include "listeners/listener.h"

struct config_service;
struct err;
struct fleet;
struct pool;

/* The listeners of all pools, those that retire included: an address may move from one service to another. The caller
 * clears *offers. -1 and *err: no memory. */
int lenders_collect(const struct fleet *fleet, struct listener_offers *offers, struct err *err);
void lenders_clear(struct listener_offers *offers);

/* LENDER is one of POOL's listeners. */
bool lenders_is_own(const struct pool *pool, const struct listener *lender);

/* The service that LENDER serves: the options of the next one are compared with its options. NULL: no service's. */
const struct config_service *lenders_service(const struct fleet *fleet, const struct listener *lender);

#endif
