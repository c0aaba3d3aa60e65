/* SPDX-License-Identifier: MIT */
/*
 * Master. How a reload replaces programs, some at a time: it starts workers.max_unavailable new ones at each address,
 * and when these are ready it retires as many old ones. There are never fewer ready programs than workers.min, and at
 * most workers.max_unavailable more than that, beside old ones that finish.
 */
#ifndef PREFORKD_POOL_ROLLING_H
#define PREFORKD_POOL_ROLLING_H

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* FRESH takes over from OLD; NULL: the service is new. To be called before a program of FRESH starts, but for the
 * canary. NOW_MS is the clock's. */
void rolling_begin(struct pool *fresh, const struct pool *old, int64_t now_ms);

/* Takes the next step if its condition is met. True: it is over: all programs of FRESH are ready, or the time for a
 * step is over, or FRESH does not serve any more. */
bool rolling_step(struct pool *fresh, struct pool *old, int64_t now_ms);

#endif
