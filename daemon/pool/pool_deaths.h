/* SPDX-License-Identifier: MIT */
/* Master. Takes down the deaths of workers and programs: those that the master reaps, and those of exec's
 * programs, which only a worker sees and notes in its slot. The last ones are kept in the totals of the service. */
#ifndef PREFORKD_POOL_POOL_DEATHS_H
#define PREFORKD_POOL_POOL_DEATHS_H

#include <stdint.h>

#include "board/death.h"

struct pool;
struct proc;
struct rusage;

/* The death of PROC, with STATUS and USAGE of wait4(2), USAGE may be NULL. Its slot gives hints about its client.
 */
struct death pool_deaths_describe(const struct proc *proc, int status, const struct rusage *usage);

/* Keeps DEATH among the last ones of the service. */
void pool_deaths_keep(struct pool *pool, const struct death *death);

/* Takes over the death of a program that PROC, a worker, has noted since the last look. At most one for each look: a
 * worker that ran wild cannot make the master work. */
void pool_deaths_look(struct proc *proc, int64_t now_ms);

/* The same for all workers of the pool. */
void pool_deaths_look_all(struct pool *pool);

/* The last look, because PROC has ended: a death that it was just noting is lost. */
void pool_deaths_end(struct proc *proc);

#endif
