/* SPDX-License-Identifier: MIT */
/* The listeners that the master's pools have, for a new generation to ask for. */
#ifndef PREFORKD_FLEET_LENDERS_H
#define PREFORKD_FLEET_LENDERS_H

#include "listeners/listener.h"

struct config_service;
struct err;
struct master;
struct pool;

/* Of all services, and of those that just go: an address may move from one service to another. */
int offers_collect(const struct master *master, struct listener_offers *offers, struct err *err);
void offers_clear(struct listener_offers *offers);

/* LENDER is one of POOL's. */
bool offers_is_own(const struct pool *pool, const struct listener *lender);

/* The service that LENDER serves: its options are what the next ones are compared with. NULL: nobody's. */
const struct config_service *offers_service(const struct master *master, const struct listener *lender);

#endif
