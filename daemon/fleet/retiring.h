/* SPDX-License-Identifier: MIT */
/* Pools that wind down while the daemon goes on: former generations, removed services, and those drained by order. */
#ifndef PREFORKD_FLEET_RETIRING_H
#define PREFORKD_FLEET_RETIRING_H

#include <stdbool.h>

struct master;
struct pool;

/* So many former generations of one service serve on at most; then the oldest is cut. They are bounded by
 * timeouts.drain anyway, unless that is unlimited. */
#define ENDING_MAX 64

/* POOL is no longer one of master->pools: it is freed when its last worker has gone. */
void ending_add(struct master *master, struct pool *pool);

/* All of their workers have heard it: none of them takes another client. */
bool ending_all_told(const struct master *master);

/* After listeners were quiesced: no packet is on its way any more that was let through before (net/quiesce.h). Takes
 * some milliseconds, if there is any. */
void ending_settle(const struct master *master);

/* Cuts the oldest former generation of NEWEST's service if there are too many. */
void ending_bound(struct master *master, const struct pool *newest);

/* Whatever can be done at the moment; called when a worker has gone, and by a timer of its own as long as there is
 * something to do. */
void ending_step(struct master *master);

#endif
