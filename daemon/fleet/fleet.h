/* SPDX-License-Identifier: MIT */
/*
 * Master. All pools: one for each service of the generation in force, and those that retire. The fleet owns the pools
 * and looks after them. It decides nothing about orders: the operations (daemon/change) set its flags and replace its
 * pools.
 */
#ifndef PREFORKD_FLEET_FLEET_H
#define PREFORKD_FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "fleet/member.h"
#include "net/inherited.h"
#include "pool/generation.h"
#include "pool/pool.h"

struct err;
struct rusage;

struct fleet {
	sd_event *event;
	struct generation *generation; /* in force */
	struct generation *
		reread;		/* the configuration as last read by a reload that changed nothing: equal to
				   `generation` except for line numbers and disabled services; NULL: there was no such reload */
	struct member *members; /* table, by name: the services of the generation in force */
	struct pool **pools;	/* those in force, one for each service, in the order of the configuration */
	size_t n_pools;
	struct pool *retiring; /* list: pools of former generations and of removed services, the oldest first */
	struct proc *by_pid;   /* hash: all workers and programs of all pools */
	int dead;	       /* fd_dead(), for the workers; -1: not open */
	bool has_programs;  /* some service runs programs, or ran them: they may leave processes behind (orphans.h) */
	bool drained;	    /* by order: all services refuse clients, or will as soon as their queues are empty */
	bool is_undraining; /* an undrain brings the services back, and tells which address could not be had */
	bool is_stopping;   /* the daemon stops: the stop winds all pools down, and nothing else touches them */
	bool retiring_due;  /* something has happened to a pool that winds down: retiring_step() must be called */
	struct inherited_set
		inherited; /* sockets of a service manager that no service has taken: those that wait may */
	sd_event_source *retiring_timer;
	void (*on_event)(void *userdata); /* a pool has rung, or has come closer to rest; may be NULL */
	void *userdata;
	int64_t started_ms; /* when the daemon started; an upgrade does not change it */
};

/* The pool in force of the service NAME. NULL: no such service is in force. */
struct pool *fleet_find(const struct fleet *fleet, const char *name);

/* The configuration as it was read last: equal to that of the generation in force, except for line numbers and disabled
 * services. */
const struct config *fleet_config(const struct fleet *fleet);

/* A superseded pool of the service NAME that serves on while the service waits (waiting.h), or until an upgrade is
 * over. NULL: there is none. */
struct pool *fleet_former(const struct fleet *fleet, const char *name);

/* A service has no pool, because it waits (waiting.h). */
bool fleet_waits(const struct fleet *fleet);

/* The position of fleet_next(); {0} is before the first pool. */
struct fleet_cursor {
	size_t next;
	const struct pool *last;
};

/* Returns the next pool: first all in force, then all that retire. NULL: there are no more. The pool that was returned
 * last must not be freed before the next call. */
struct pool *fleet_next(const struct fleet *fleet, struct fleet_cursor *cursor);

/* The parts of a new pool for SERVICE, but for listeners and limits, which the caller adds. The new pool shares the
 * counters, the sources and the knowledge of upstreams of FORMER, which may be NULL. */
struct pool_parts fleet_parts(struct fleet *fleet, struct generation *generation, const struct config_service *service,
			      const struct pool *former);

/* Watches the pool's ring and its queues (pool_watch.h). To be called once for each pool that serves. -1 and *err: no
 * resources. */
int fleet_watch(struct fleet *fleet, struct pool *pool, struct err *err);

/* Looks after all pools in force. To be called when a worker has ended, and once a second with TICK. */
void fleet_look_after(struct fleet *fleet, bool tick);

/* The child PID has ended, with STATUS and USAGE of wait4(2). False: it is no worker of the fleet. */
bool fleet_reaped(struct fleet *fleet, pid_t pid, int status, const struct rusage *usage);

/* Frees all pools and members. Workers that still live are cut when the master exits. */
void fleet_close(struct fleet *fleet);

#endif
