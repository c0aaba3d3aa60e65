/* SPDX-License-Identifier: MIT */
/*
 * Master. A pool takes over the programs of a former pool of the same configuration: they run on, and nothing is
 * started or ended. A program does not run our binary, so an upgrade has no reason to replace it.
 */
#ifndef PREFORKD_POOL_POOL_TAKE_H
#define PREFORKD_POOL_POOL_TAKE_H

#include <stdbool.h>

struct pool;

/* Takes them over, with the socket through which they notify. False: nothing was done, because that socket is not
 * there, or an address of FORMER is not one of POOL. Programs for which the board has no room stay with FORMER. */
bool pool_take_programs(struct pool *pool, struct pool *former);

#endif
