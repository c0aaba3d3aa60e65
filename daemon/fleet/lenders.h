/* SPDX-License-Identifier: MIT */
/* Master. The listeners of all pools of the fleet, offered to the pools of a new generation. */
#ifndef PREFORKD_FLEET_LENDERS_H
#define PREFORKD_FLEET_LENDERS_H

#include "listeners/listener.h"

struct config_service;
struct err;
struct fleet;
struct pool;

/* Collects the listeners of all pools, including those that retire, because an address may move from one service to
 * another. The caller clears *offers. -1 and *err: no memory. */
int lenders_collect(const struct fleet *fleet, struct listener_offers *offers, struct err *err);
void lenders_clear(struct listener_offers *offers);

/* LENDER is a listener of POOL. */
bool lenders_is_own(const struct pool *pool, const struct listener *lender);

/* The service that LENDER belongs to, whose socket options are in force on it. NULL: it belongs to no pool. */
const struct config_service *lenders_service(const struct fleet *fleet, const struct listener *lender);

#endif
