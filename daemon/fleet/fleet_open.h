/* SPDX-License-Identifier: MIT */
/* Master. The start: a pool for each service, with listeners from the image before, from a service manager, or new. */
#ifndef PREFORKD_FLEET_FLEET_OPEN_H
#define PREFORKD_FLEET_FLEET_OPEN_H

struct err;
struct fleet;
struct inherited_set;

/*
 * Opens a pool for each service of the generation in force. What INHERITED has is taken, what pools in
 * fleet->retiring have to lend as well. Clients may connect from then on; the first tick starts the workers.
 * -1 and *err: an address could not be had, or no memory.
 */
int fleet_open(struct fleet *fleet, struct inherited_set *inherited, struct err *err);

#endif
