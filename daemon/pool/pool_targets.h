/* SPDX-License-Identifier: MIT */
/* The memory in which a pool's workers tell each other of their upstreams (board/targets.h). The master only hands it
 * on. */
#ifndef PREFORKD_POOL_POOL_TARGETS_H
#define PREFORKD_POOL_POOL_TARGETS_H

#include <jansson.h>

struct config_upstreams;
struct err;
struct pool;

/* Makes pool->targets, if its service has upstreams. FORMER: a pool of the same service, or NULL; what it knows of the
 * same upstreams is taken over: a reload while the resolver is down must not lose their addresses. */
int pool_targets_make(struct pool *pool, const struct pool *former, struct err *err);

/* For the next image of this program: the descriptor, and what its targets are called. OUT gets the latter back: a list
 * of its own, of names only. */
json_t *pool_targets_told(const struct pool *pool);
void pool_targets_read(const json_t *told, struct config_upstreams *out);

#endif
