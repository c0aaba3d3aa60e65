/* SPDX-License-Identifier: MIT */
/*
 * Master. Leftovers: superseded pools that serve on beside the pool in force, because an order could neither be
 * finished nor taken back whole. A pool that yields leaves as the pool in force gets what it lacks. A pool that stays
 * keeps its programs to their end; those of the pool in force take their places, until a later order replaces both.
 */
#ifndef PREFORKD_FLEET_LEFTOVER_H
#define PREFORKD_FLEET_LEFTOVER_H

#include <stdbool.h>

struct fleet;
struct pool;

/* Does what can be done now for LEFTOVER, which is superseded. If it yields or stays it winds down when it is not
 * needed any more; a pool of programs does so in any case when the one in force is drained. */
void leftover_step(struct fleet *fleet, struct pool *leftover);

/* Some leftover serves beside POOL, which is in force. */
bool leftover_is_beside(const struct fleet *fleet, const struct pool *pool);

#endif
