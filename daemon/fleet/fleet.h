/* SPDX-License-Identifier: MIT */
/*
 * Master. All pools: one for each service of the generation in force, and those that retire. The fleet looks after
 * them; it decides nothing about orders. Orders (daemon/change) set its flags and replace its pools.
 */
#ifndef PREFORKD_FLEET_FLEET_H
#define PREFORKD_FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "fleet/member.h"
#include "pool/generation.h"
#include "pool/pool.h"

struct err;

struct fleet {
	sd_event *event;
	struct generation *generation; /* in force */
	struct generation *reread; /* as last read by a reload that changed nothing: differs from `generation` in line
				      numbers only; NULL: there was no such reload */
	struct member *members;	   /* table, by name: the services of the generation in force */
	struct pool **pools;	   /* those in force, one a service, in the configuration's order */
	size_t n_pools;
	struct pool *retiring; /* list: pools of former generations and of removed services, the oldest first */
	struct proc *by_pid;   /* hash: all workers and programs of all pools */
	int dead;	       /* fd_dead(), for the workers */
	bool has_programs;     /* some service runs programs: they may leave processes behind */
	bool drained;	       /* by order: all services turn clients away, or are about to */
	bool is_stopping;      /* the daemon stops: pools are only wound down, by the stop */
	bool retiring_due;     /* something has happened to a pool that comes to rest: retiring_step() is wanted */
	sd_event_source *retiring_timer;
	void (*on_ring)(void *userdata); /* a worker has rung: its pool has been looked after; may be NULL */
	void *userdata;
	int64_t started_ms; /* of the daemon, across upgrades */
};

/* The pool in force of the service NAME; NULL: there is none. */
struct pool *fleet_find(const struct fleet *fleet, const char *name);

/* Where fleet_next() stands; {0} before the first pool. */
struct fleet_cursor {
	size_t next;
	const struct pool *last;
};

/* The next of all pools: those in force, then those that retire. NULL: that was the last. The pool that was returned
 * last must not be freed before the next call. */
struct pool *fleet_next(const struct fleet *fleet, struct fleet_cursor *cursor);

/* What a pool for SERVICE is made of; listeners and limits are for the caller to add. FORMER, whose counters, sources
 * and knowledge of upstreams the new pool shares, may be NULL. */
struct pool_parts fleet_parts(struct fleet *fleet, struct generation *generation, const struct config_service *service,
			      const struct pool *former);

/* Lets the loop hear a pool's ring and its queues; call once for each pool that serves. */
int fleet_watch(struct fleet *fleet, struct pool *pool, struct err *err);

/* All pools in force: when a worker has gone, and at each TICK (once a second). */
void fleet_look_after(struct fleet *fleet, bool tick);

/* The child PID has ended with STATUS (waitpid(2)). False: it is none of the fleet's. */
bool fleet_reaped(struct fleet *fleet, pid_t pid, int status);

/* Frees all pools and members. Workers that are left lose their master. */
void fleet_close(struct fleet *fleet);

#endif
