/* SPDX-License-Identifier: MIT */
/*
 * A reload replaces programs some at a time: so many new ones, and when these are ready, so many old ones are told to
 * leave. There are never fewer ready ones than are wanted, and beside those that finish only workers.max_unavailable
 * more at each address.
 */
#ifndef PREFORKD_POOL_ROLLING_H
#define PREFORKD_POOL_ROLLING_H

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* FRESH takes over from OLD, or from nobody (NULL). Before its first program beside the canary starts. */
void rolling_begin(struct pool *fresh, const struct pool *old);

/* The next step, if it is time for one. True: all of FRESH are ready, or no more can be hoped for. */
bool rolling_step(struct pool *fresh, struct pool *old, int64_t now_ms);

#endif
