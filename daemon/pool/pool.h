/* SPDX-License-Identifier: MIT */
/*
 * The workers of one service in one generation: its listeners (a lane each), its board, its processes. Mechanism;
 * how many there should be is pool_policy's.
 */
#ifndef PREFORKD_POOL_POOL_H
#define PREFORKD_POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/log.h"
#include "board/board.h"
#include "board/sources.h"
#include "config/config.h"
#include "listeners/listener.h"
#include "pool/generation.h"
#include "pool/pool_full.h"
#include "pool/pool_policy.h"
#include "pool/proc.h"
#include "pool/program_notify.h"
#include "pool/totals.h"

struct err;

/*
 *	held -> serving <-> paused
 *	        serving, paused -> draining -> drained -> serving
 *	        serving, paused, drained -> superseded
 *	        any -> ending
 */
enum pool_state {
	POOL_HELD, /* of a reload that has not succeeded yet: its workers wait for the go */
	POOL_SERVING,
	POOL_PAUSED,   /* by order: nobody is served, clients wait in the queue */
	POOL_DRAINING, /* by order: who is queued is served, then clients are turned away */
	POOL_DRAINED,
	POOL_SUPERSEDED, /* its successor starts: serves on, but does not grow */
	POOL_ENDING,	 /* who is queued is served, and then it goes */
};

struct pool_counts { /* right now */
	int64_t starting, idle, busy, leaving;
};

struct pool_lane {
	int32_t drift;	/* of the idle counter */
	uint64_t taken; /* clients, by the living workers */
	int pending;	/* ticks in a row with clients in the queue and none taken */
};

struct pool {
	sd_event *event; /* the loop's; not owned; NULL: nothing is watched (a rehearsal) */
	enum pool_state state;
	struct generation *generation; /* a reference; NULL: of another image of this program (handover.h) */
	const struct config_service *service;
	struct config_service *stand_in; /* owned, in place of a generation's; else NULL */
	struct config_workers limits;	 /* the service's, unless somebody resized it */
	struct listener *listeners;	 /* one a lane */
	size_t n_lanes;
	struct board board;
	int ring;    /* eventfd */
	int targets; /* of board/targets.h, when the service passes connections on; else -1 */
	sd_event_source *ring_source;
	void (*on_ring)(struct pool *pool, void *userdata); /* set by pool_watch() */
	void *on_ring_data;
	int dead; /* fd_dead(), for the workers; the master's, shared by all pools */
	struct pool_policy policy;
	struct policy_lane *lanes;     /* scratch of pool_look_after() */
	struct pool_lane *lane_memory; /* what the last tick saw of each lane */
	int64_t copies;	   /* of programs at each address, while a reload replaces them; 0: all that are configured */
	int64_t rolled_ms; /* when that last changed */
	int64_t looked_ms; /* when its programs were last looked at */
	struct program_notify notify; /* of programs */
	struct proc *procs;	      /* list */
	size_t n_procs;
	struct proc **by_pid;	 /* the master's hash of all pools' processes */
	struct own_names own;	 /* what its workers count for their module */
	struct totals *totals;	 /* a reference; shared with the service's other generations */
	struct sources *sources; /* the same, unless access.sources was another */
	struct pool_full full;
	int64_t wind_down_ms;	      /* when draining or ending began */
	const char *occasion;	      /* of it: "stop", "reload" ... */
	bool failed_start;	      /* a worker died before any was ever ready */
	bool proved;		      /* a worker has been ready */
	bool was_paused, was_resized; /* of another image's pool: what its successor is to become */
	bool cut;		      /* its clients were cut: it has had its time */
	struct pool *prev, *next;     /* of the master's list of those that end */
};

/* What a new pool is made of. */
struct pool_parts {
	sd_event *event;
	struct generation *generation; /* referenced */
	const struct config_service *service;
	const struct config_workers *limits; /* NULL: the service's */
	struct listener *listeners;	     /* taken over, also on an error */
	size_t n_listeners;
	struct totals *totals;	   /* referenced; NULL: a new one */
	const struct pool *former; /* of the same service: what it knows of upstreams is taken over; NULL: none */
	struct sources *sources;   /* the same; a new one also if it has another size than the service's */
	struct proc **by_pid;
	int dead;
};

/* A pool with board and eventfd, held, without any worker. NULL and *err: no resources. */
struct pool *pool_new(const struct pool_parts *parts, struct err *err);

/* Frees it. It has no workers any more. *pool becomes NULL; NULL is allowed. */
void pool_free(struct pool **pool);

/*
 * Counts, asks the policy, starts and retires. Call when the pool rings, when a worker has gone, and at each
 * tick (once a second).
 */
void pool_look_after(struct pool *pool, bool tick);

/* One worker has ended; STATUS is waitpid(2)'s. PROC is freed. */
void pool_worker_gone(struct pool *pool, struct proc *proc, int status);

/* Tells one worker to finish its client and leave. */
void pool_retire_proc(struct proc *proc);

/* All workers of a lane leave when they have finished their client; LANE -1: of all lanes. */
void pool_retire(struct pool *pool, ssize_t lane);

/* Every worker that was told to leave has heard it: none of them will take another client. */
bool pool_all_heard(const struct pool *pool);

/* Ends the clients that are still there, each with a line in the log that says WHY. */
void pool_cut(struct pool *pool, const char *why);

/* Kills those that were told to leave, serve nobody, and are still there: stopped, or stuck in the kernel. */
void pool_kill_hung(struct pool *pool, int64_t now_ms);

/* Kills those that were cut and did not leave. Returns when to call again (ms of the clock), 0: never. */
int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms);

/* How many workers it may have from now on; its board has room for them. */
void pool_set_limits(struct pool *pool, const struct config_workers *limits);

/* Its board has slots enough for LIMITS. */
bool pool_has_room(const struct pool *pool, const struct config_workers *limits);

/* Starts one worker on LANE. NULL: it could not be started, which is logged. */
struct proc *pool_start_worker(struct pool *pool, size_t lane);

/* The same, but it proves its set-up through HOLD and waits there for the go (worker.h) before it takes clients.
 * HOLD stays the caller's. */
struct proc *pool_start_held(struct pool *pool, size_t lane, int hold);

/* How many programs there should be at each address, now. */
int64_t pool_copies(const struct pool *pool);

/* It serves who is queued, and no longer than its service's timeouts.drain allows who is connected. */
bool pool_winds_down(const struct pool *pool);

/* For a line in the log about the service. */
struct log_about pool_about(const struct pool *pool);

/* Adds PROC to what it counts as. */
void pool_count_proc(const struct proc *proc, struct policy_lane *lane);

struct pool_counts pool_count(const struct pool *pool, ssize_t lane);

/* Adds what one worker has counted. */
void pool_counts_add(struct counts *counts, const struct board_slot *slot);

/* What its living workers have counted as NAME. */
uint64_t pool_own_living(const struct pool *pool, const char *name);

/* Adds what the living workers have counted. */
void pool_counts_living(const struct pool *pool, struct counts *counts);

/* Can no worker start because all that did died? Until when (ms of the clock); 0: no. */
int64_t pool_throttled(const struct pool *pool, int64_t now_ms);

const char *pool_state_name(enum pool_state state);

/* Every worker that was started is ready. */
bool pool_all_ready(const struct pool *pool);

#endif
