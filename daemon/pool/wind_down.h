/* SPDX-License-Identifier: MIT */
/*
 * Master. How a pool comes to rest without losing a client: it takes no new ones, serves those that are queued, and
 * lets those that are connected finish. A pool that ends then closes its listeners, and cuts the clients that are left
 * when timeouts.drain of its service is over. A pool that is drained keeps its addresses, refuses clients, and cuts
 * nobody.
 */
#ifndef PREFORKD_POOL_WIND_DOWN_H
#define PREFORKD_POOL_WIND_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"

/* STATE is POOL_DRAINING or POOL_ENDING. OCCASION ("stop", "reload" ...) is for the log, and must be a literal. */
void wind_down_begin(struct pool *pool, enum pool_state state, const char *occasion);

/*
 * Does what can be done at the moment; never waits. To be called often (20 ms) while wind_down_is_busy(), and now and
 * then as long as there are workers. True: it is over: the pool is drained, or ends and has no worker any more.
 */
bool wind_down_step(struct pool *pool, int64_t now_ms);

/* Cuts every client at once, queued or connected, and closes the listeners. WHY is for the log. */
void wind_down_now(struct pool *pool, const char *why);

/* wind_down_undo() would lose no client and find the addresses free. SOCKETS_ARE_OURS: no process has copies of the
 * pool's sockets, but for the workers that serve them. */
bool wind_down_may_undo(const struct pool *pool, bool sockets_are_ours);

/* The pool serves again. -1 and *err: an address could not be taken again; the others are served. */
int wind_down_undo(struct pool *pool, struct err *err);

/* Some listener of the pool still has, or may still get, clients in its queue that are to be served. */
bool wind_down_is_busy(const struct pool *pool);

#endif
