/* SPDX-License-Identifier: MIT */
/*
 * Master. Repairs, once a second, what cannot be right in the memory that the workers of a pool share: a worker that
 * was killed between two writes leaves the counter of idle workers wrong, and one that ran wild may have overwritten
 * anything.
 */
#ifndef PREFORKD_POOL_POOL_BOARD_H
#define PREFORKD_POOL_POOL_BOARD_H

#include <stdint.h>

struct pool;

/* To be called after the lanes were counted. */
void pool_board_mend(struct pool *pool, int64_t now_ms);

#endif
