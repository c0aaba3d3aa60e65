/* SPDX-License-Identifier: MIT */
/*
 * What an administrator orders while the daemon runs: services that pause, a daemon that is drained, pools of another
 * size. All return the number of a job, done when no worker does otherwise any more; 0 and *err: not possible now.
 */
#ifndef PREFORKD_CHANGE_ADMIN_H
#define PREFORKD_CHANGE_ADMIN_H

#include <stdint.h>

struct err;
struct master;
struct pool;

/* Nobody is served any more, clients wait in the queue; those that are connected finish. */
unsigned admin_pause(struct master *master, struct pool *pool, struct err *err);
unsigned admin_resume(struct master *master, struct pool *pool, struct err *err);

/* All services: who is queued is served, then clients are turned away by the kernel, until undrained. */
unsigned admin_drain(struct master *master, struct err *err);
unsigned admin_undrain(struct master *master, struct err *err);

/* Until the next reload. */
unsigned admin_resize(struct master *master, struct pool *pool, int64_t min, int64_t max, struct err *err);

/* Looks whether what was ordered has come about; called when a worker has gone, and by ticks. */
void admin_step(struct master *master);

#endif
