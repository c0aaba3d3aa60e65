/* SPDX-License-Identifier: MIT */
/* Workers that are too old or have grown too large ask to be replaced, whether they know it or not. */
#ifndef PREFORKD_POOL_RECYCLE_H
#define PREFORKD_POOL_RECYCLE_H

#include <stdint.h>

struct pool;

/* Call once a second: marks those of POOL that are beyond workers.max_age or max_memory as spent. */
void recycle_tick(struct pool *pool, int64_t now_ms);

#endif
