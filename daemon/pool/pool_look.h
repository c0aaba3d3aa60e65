/* SPDX-License-Identifier: MIT */
/* Master. Looks after a pool: counts its workers, asks pool_policy how many there should be, starts and retires. */
#ifndef PREFORKD_POOL_POOL_LOOK_H
#define PREFORKD_POOL_POOL_LOOK_H

#include <stdbool.h>

struct pool;

/* To be called when the pool rings, when one of its workers has gone, and once a second with TICK. Forks; never waits.
 */
void pool_look_after(struct pool *pool, bool tick);

#endif
