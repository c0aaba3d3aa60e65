/* SPDX-License-Identifier: MIT */
/*
 * Master. How workers leave a pool. Retired: told to finish their client and leave. Cut: told to end their client at
 * once. Killed: SIGKILL, where neither has helped. And what is recorded when one has ended.
 */
#ifndef PREFORKD_POOL_POOL_LEAVE_H
#define PREFORKD_POOL_POOL_LEAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pool;
struct proc;
struct rusage;

/* Retires one worker. */
void pool_retire_proc(struct proc *proc);

/* Retires all workers of LANE that are not retired yet; LANE -1: of all lanes. */
void pool_retire(struct pool *pool, ssize_t lane);

/* PROC was retired and has not heard it yet. */
bool pool_is_deaf(struct proc *proc);

/* Every retired worker has heard the order: none of them will take another client. */
bool pool_all_heard(const struct pool *pool);

/* Cuts all workers; for each that serves a client the log says WHY. */
void pool_cut(struct pool *pool, const char *why);

/* Kills workers that were retired a while ago, serve nobody, and are still there: stopped, or stuck in the kernel. */
void pool_kill_hung(struct pool *pool, int64_t now_ms);

/* Kills workers that were cut and have not left in time. Returns when to call it again (ms of the clock); 0: never. */
int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms);

/* A worker has ended, with STATUS and USAGE of wait4(2), USAGE may be NULL: logs and counts that, and frees PROC. */
void pool_worker_gone(struct pool *pool, struct proc *proc, int status, const struct rusage *usage);

#endif
