/* SPDX-License-Identifier: MIT */
/* Master. Marks workers that are too old, or have grown too large, as spent: pool_look.c replaces them. */
#ifndef PREFORKD_POOL_RECYCLE_H
#define PREFORKD_POOL_RECYCLE_H

#include <stdint.h>

struct pool;

/* To be called once a second: marks workers of POOL that are beyond workers.max_age or workers.max_memory. */
void recycle_tick(struct pool *pool, int64_t now_ms);

#endif
