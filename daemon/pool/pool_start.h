/* SPDX-License-Identifier: MIT */
/* Master. Starts the workers of a pool: forks, and enters them into the master's tables. */
#ifndef PREFORKD_POOL_POOL_START_H
#define PREFORKD_POOL_POOL_START_H

#include <stddef.h>

struct pool;
struct proc;

/*
 * Each starts one worker on LANE and returns it, owned by the pool. NULL: none could be started, which is logged and
 * counted as a failure by pool_policy; or the pool is from another image and can start none.
 */
struct proc *pool_start_worker(struct pool *pool, size_t lane);

/* The worker proves its set-up through the descriptor PROOF, and waits there for the go (worker/proof.h) before it
 * takes clients. PROOF stays the caller's. */
struct proc *pool_start_held(struct pool *pool, size_t lane, int proof);

/* The worker replaces OLD, which is retired when the new one is ready. */
struct proc *pool_start_successor(struct pool *pool, size_t lane, struct proc *old);

#endif
