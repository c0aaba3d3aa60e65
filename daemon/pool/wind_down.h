/* SPDX-License-Identifier: MIT */
/*
 * How a pool comes to rest without losing anybody: no new clients, serve those that are queued, let those that
 * are connected finish. A pool that ends closes its listeners then, and cuts who is still there when its service's
 * timeouts.drain is over; one that is drained keeps its addresses, turns clients away, and cuts nobody.
 */
#ifndef PREFORKD_POOL_WIND_DOWN_H
#define PREFORKD_POOL_WIND_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"

/* STATE is POOL_DRAINING or POOL_ENDING; OCCASION ("stop", "reload", ...), for the log, lives on. */
void wind_down_begin(struct pool *pool, enum pool_state state, const char *occasion);

/* Whatever can be done at the moment. True: it is over, the pool is drained, or has no worker any more. */
bool wind_down_step(struct pool *pool, int64_t now_ms);

/* No more patience: every client is cut now. */
void wind_down_now(struct pool *pool, const char *why);

/* Would wind_down_undo() lose nobody, and find the addresses free? ALONE: no other process has our sockets but those
 * workers that serve them. */
bool wind_down_may_undo(const struct pool *pool, bool alone);

/* The pool serves again. -1 and *err: an address could not be had again; the others are served. */
int wind_down_undo(struct pool *pool, struct err *err);

/* Some listener still takes clients out of its queue: call again soon. */
bool wind_down_is_busy(const struct pool *pool);

#endif
