/* SPDX-License-Identifier: MIT */
/* Master. Mends the listeners of a pool that clients cannot reach any more (listeners/listener_mend.h). */
#ifndef PREFORKD_POOL_POOL_MEND_H
#define PREFORKD_POOL_POOL_MEND_H

struct err;
struct pool;

/* To be called at each tick, for a pool in force. Logs each trouble once, and replaces the workers of a listener that
 * had to be bound anew. */
void pool_mend_listeners(struct pool *pool);

/* At a reload: binds addresses anew whose path or interface is gone, which the tick only warns of, and replaces their
 * workers. *n_out is raised by the number of such addresses. -1 and *err: one could not be bound. */
int pool_renew_listeners(struct pool *pool, unsigned *n_out, struct err *err);

#endif
