/* SPDX-License-Identifier: MIT */
/*
 * The workers of one service: its listeners (a lane each), its board, its processes. Mechanism; how
 * many there should be is pool_policy's.
 */
#ifndef PREFORKD_MASTER_POOL_H
#define PREFORKD_MASTER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "board/board.h"
#include "master/listener.h"
#include "master/pool_policy.h"
#include "master/proc.h"

struct config;
struct config_service;
struct err;

struct pool_totals { /* of workers that have gone; the living ones count in their slots */
	uint64_t accepted, failed, bytes_in, bytes_out, crashes;
};

struct pool_counts { /* right now */
	int64_t starting, idle, busy, leaving;
};

struct pool_lane {
	int32_t drift;	   /* of the idle counter */
	uint64_t accepted; /* by the living workers */
	int pending;	   /* ticks in a row with clients in the queue and none accepted */
};

struct pool {
	const struct config *config;
	const struct config_service *service;
	struct listener *listeners; /* one a lane */
	size_t n_lanes;
	struct board board;
	int ring; /* eventfd */
	int dead; /* fd_dead(), for the workers; the master's, shared by all pools */
	struct pool_policy policy;
	struct policy_lane *lanes; /* scratch of pool_look_after() */
	struct pool_lane *lane_memory; /* what the last tick saw of each lane */
	struct proc *procs;	   /* list */
	size_t n_procs;
	struct proc **by_pid; /* the master's hash of all pools' processes */
	struct pool_totals gone;
	int64_t told_full_ms; /* last advice about max */
	bool stopping;
	bool failed_start; /* a worker died before any was ever ready */
	bool proved;	   /* a worker has been ready */
};

/* Opens board and eventfd for a service whose listeners are open. */
int pool_open(struct pool *pool, const struct config *config, const struct config_service *service,
	      struct listener *listeners, size_t n_listeners, struct proc **by_pid, int dead,
	      struct err *err);
void pool_close(struct pool *pool);

/*
 * Counts, asks the policy, starts and retires. Call when the pool rings, when a worker has gone, and at each
 * tick (once a second).
 */
void pool_look_after(struct pool *pool, bool tick);

/* One worker has ended; STATUS is waitpid(2)'s. PROC is freed. */
void pool_worker_gone(struct pool *pool, struct proc *proc, int status);

/* All workers of a lane leave when they have finished their client; LANE -1: of all lanes. */
void pool_retire(struct pool *pool, ssize_t lane);

/* Ends the clients that are still there, each with a line in the log that says WHY. */
void pool_cut(struct pool *pool, const char *why);

/* Kills those that were told to leave, serve nobody, and are still there: stopped, or stuck in the kernel. */
void pool_kill_hung(struct pool *pool, int64_t now_ms);

/* Kills those that were cut and did not leave. Returns when to call again (ms of the clock), 0: never. */
int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms);

/* Starts one worker on LANE; used by the stop for clients that slipped in. */
int pool_start_worker(struct pool *pool, size_t lane, pid_t predecessor);

/* For a line in the log about the service. */
struct log_about pool_about(const struct pool *pool);

/* Adds PROC to what it counts as. */
void pool_count_proc(const struct proc *proc, struct policy_lane *lane);

struct pool_counts pool_count(const struct pool *pool, ssize_t lane);
struct pool_totals pool_totals(const struct pool *pool);

/* Adds what one worker has counted. */
void pool_totals_add(struct pool_totals *totals, const struct board_slot *slot);

/* Every worker that was started is ready. */
bool pool_all_ready(const struct pool *pool);

#endif
