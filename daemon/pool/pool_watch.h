/* SPDX-License-Identifier: MIT */
/* Master. Connects a pool to the event loop: the ring of its workers, and the queues and the timer of pool_full.c. */
#ifndef PREFORKD_POOL_POOL_WATCH_H
#define PREFORKD_POOL_POOL_WATCH_H

struct err;
struct pool;

/*
 * Watches POOL on its event loop until pool_free(). ON_RING is called, with USERDATA, whenever the pool needs
 * pool_look_after(); it may free the pool. Call once for each pool that serves. -1 and *err: no resources.
 */
int pool_watch(struct pool *pool, void (*on_ring)(struct pool *pool, void *userdata), void *userdata, struct err *err);

#endif
