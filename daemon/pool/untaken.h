/* SPDX-License-Identifier: MIT */
/*
 * Master. Programs that accept by themselves (handler = "listen") and do not: a program that never looks at its
 * descriptor seems healthy, while its clients wait for ever. Nothing but a poll(2) at each tick is done as long as the
 * queue is seen empty now and then.
 */
#ifndef PREFORKD_POOL_UNTAKEN_H
#define PREFORKD_POOL_UNTAKEN_H

struct pool;

/* At each tick: warns once when nobody takes the clients of a lane, and says when that is over. */
void untaken_tick(struct pool *pool);

#endif
