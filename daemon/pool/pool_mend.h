/* SPDX-License-Identifier: MIT */
/* Master. Mends the listeners of a pool that clients cannot reach any more (listeners/listener_mend.h). */
#ifndef PREFORKD_POOL_POOL_MEND_H
#define PREFORKD_POOL_POOL_MEND_H

struct pool;

/* Of a pool in force, at each tick. Logs each trouble once, and replaces the workers of a listener that had to be bound
 * anew. */
void pool_mend_listeners(struct pool *pool);

#endif
