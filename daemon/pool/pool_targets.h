/* SPDX-License-Identifier: MIT */
/*
 * Master. The memory in which the workers of a pool share what they learn of their upstreams (board/targets.h). The
 * master creates it and hands it on; it does not use it.
 */
#ifndef PREFORKD_POOL_POOL_TARGETS_H
#define PREFORKD_POOL_POOL_TARGETS_H

#include <jansson.h>

struct config_upstreams;
struct err;
struct pool;

/*
 * Makes pool->targets if the service has upstreams. FORMER: a pool of the same service, or NULL. What FORMER knows of
 * the same upstreams is copied, because a reload while the resolver is down must not lose their addresses.
 */
int pool_targets_make(struct pool *pool, const struct pool *former, struct err *err);

/*
 * For the next image of this program: the descriptor, and the names of the upstreams; NULL: no memory. Reading gives
 * OUT the names back: a list of its own, in which nothing else is set.
 */
json_t *pool_targets_write(const struct pool *pool);
void pool_targets_read(const json_t *written, struct config_upstreams *out);

#endif
