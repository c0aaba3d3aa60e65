/* SPDX-License-Identifier: MIT */
/*
 * Worker. The resource limits of a service (`limits`). They hold for its program or, if it runs none, for the worker
 * itself, and come last: they must not hinder the set-up. Only the handler exec goes on after it has set them up: its
 * worker has none of them, and each program gets them anew. Where no limit is configured, nothing is done.
 */
#ifndef PREFORKD_SANDBOX_RLIMITS_H
#define PREFORKD_SANDBOX_RLIMITS_H

struct err;
struct sandbox;

/* With the master's rights: raises hard limits that are lower than what is configured, and remembers all limits. */
int rlimits_prepare(struct sandbox *sandbox, struct err *err);

/* The limits of a worker that runs no program, and no core of a user that is not the daemon's. -1 and *err also if the
 * worker could not serve within a limit. */
int rlimits_set(struct sandbox *sandbox, struct err *err);
int rlimits_verify(const struct sandbox *sandbox, struct err *err);

/* In a process that is about to become a program. Async-signal-safe; -1 with errno. */
int rlimits_set_program(const struct sandbox *sandbox);

#endif
