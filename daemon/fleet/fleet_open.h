/* SPDX-License-Identifier: MIT */
/* Master. The start of the fleet: opens a pool for each service, with listeners that come from the image before, from a
 * service manager, or are bound. */
#ifndef PREFORKD_FLEET_FLEET_OPEN_H
#define PREFORKD_FLEET_FLEET_OPEN_H

#include <stdbool.h>
#include <stdint.h>

struct config_service;
struct err;
struct fleet;
struct inherited_set;
struct listener_offers;

/*
 * Opens a pool for each service of the generation in force. Listeners in INHERITED, and those of the pools in
 * fleet->retiring, are used where the address is the same. Clients can connect afterwards; the first tick starts the
 * workers. An address that is in use is tried again for a second, and this blocks. An optional service
 * that cannot be had waits. -1 and *err: an address could not be bound, or no memory.
 */
int fleet_open(struct fleet *fleet, struct inherited_set *inherited, struct err *err);

/* Opens the pool of SERVICE, which is in the generation in force and has no pool, and puts it into force. OFFERS are of
 * lenders_collect(). An address that is in use is tried again until BUSY_UNTIL_MS. AT_START: programs of the image
 * before are replaced step by step. -1 and *err: it cannot be had. Of an optional service nothing is left open then. */
int fleet_open_service(struct fleet *fleet, const struct config_service *service, const struct listener_offers *offers,
		       struct inherited_set *inherited, int64_t busy_until_ms, bool at_start, struct err *err);

#endif
