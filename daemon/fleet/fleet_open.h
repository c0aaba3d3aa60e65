/* SPDX-License-Identifier: MIT */
/* Master. The start of the fleet: opens a pool for each service, with listeners that come from the image before, from a
 * service manager, or are bound. */
#ifndef PREFORKD_FLEET_FLEET_OPEN_H
#define PREFORKD_FLEET_FLEET_OPEN_H

struct err;
struct fleet;
struct inherited_set;

/*
 * Opens a pool for each service of the generation in force. Listeners in INHERITED, and those of the pools in
 * fleet->retiring, are used where the address is the same. Clients can connect afterwards; the first tick starts the
 * workers. An address that is in use is tried again for a second, and this blocks. -1 and *err: an address could not
 * be bound, or no memory.
 */
int fleet_open(struct fleet *fleet, struct inherited_set *inherited, struct err *err);

#endif
