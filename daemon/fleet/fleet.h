/* SPDX-License-Identifier: MIT */
/* The master's pools, all of them: opened at the start, looked after ever since. */
#ifndef PREFORKD_FLEET_FLEET_H
#define PREFORKD_FLEET_FLEET_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct inherited_set;
struct master;
struct pool;

/* A pool for each service of the generation in force; what INHERITED has is taken, what pools in master->ending
 * have to lend as well. Clients may connect from then on. */
int pools_open(struct master *master, struct inherited_set *inherited, struct err *err);

/* Lets the loop hear a pool's ring; call once for each pool that serves. */
int pools_watch(struct master *master, struct pool *pool, struct err *err);

/* All pools: when a worker has gone, and at each tick. */
void pools_look_after(struct master *master, bool tick);

/* A child of the master has ended. */
void pools_reaped(struct master *master, pid_t pid, int status);

void pools_close(struct master *master);

#endif
