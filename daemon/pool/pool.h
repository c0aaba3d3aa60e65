/* SPDX-License-Identifier: MIT */
/*
 * Master. A pool is the set of workers of one service in one generation, with their listeners (a lane each) and their
 * board. This file owns the struct and answers what follows from it alone. The other files of the room act on it:
 *
 *	pool_new    makes a pool and frees it
 *	pool_adopt  makes a pool of another image of this program, with its workers
 *	pool_start  starts workers
 *	pool_leave  lets workers go, and accounts for those that have ended
 *	pool_count  counts the workers, and sums up what they have counted
 *	pool_hours  finds out whether it is a time at which clients may connect
 *	pool_board  repairs what cannot be right in the memory that its workers share
 *	pool_look   looks after a pool: counts, asks pool_policy how many workers there should be, starts and retires
 *	pool_watch  connects a pool to the event loop
 *	untaken     finds programs that do not accept
 *	wind_down   brings a pool to rest
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
#include "net/listen_waiting.h"
#include "pool/generation.h"
#include "pool/pool_hours.h"
#include "pool/pool_policy.h"
#include "pool/proc.h"
#include "pool/totals.h"
#include "services/family.h"

struct pool_full;
struct program_end;
struct program_notify;
struct worker_output;

/*
 *	held -> serving -> draining -> drained -> serving
 *	        serving, drained -> superseded
 *	        any -> ending
 */
enum pool_state {
	POOL_HELD, /* the reload that made it has not succeeded yet: its workers wait for the go */
	POOL_SERVING,
	POOL_DRAINING, /* by order: serves the clients that are queued; then it refuses clients, and is drained */
	POOL_DRAINED,
	POOL_SUPERSEDED, /* its successor starts: it serves on, and does not grow */
	POOL_ENDING,	 /* it serves the clients that are queued, and is freed when its last worker has ended */
};

/* One lane as the last tick saw it. */
struct pool_lane {
	int32_t drift;	/* the difference between the board's counter of idle workers and our count */
	uint64_t taken; /* clients that the living workers have taken */
	int pending;	/* ticks in a row at which clients were queued and none was taken */
	int64_t copies; /* programs that there should be, while is_rolling (copies.h) */
	int64_t proven; /* of these, how many have outlived their watch (rolling.h) */
	/* of untaken.c: */
	int waited;		       /* ticks in a row at which clients waited though programs were ready */
	bool untaken;		       /* nobody accepts, and the log says so */
	struct listen_waiting waiting; /* the last look at those that wait; owned */
};

/* Workers of a pool that ended by themselves with a crash. */
struct pool_crashes {
	unsigned n;
	int64_t last_ms;	  /* when the last one did */
	int status;		  /* of the first, as from waitpid(2) */
	char peer[ADDR_TEXT_MAX]; /* the client that the first one served; "": none */
};

struct pool {
	sd_event *event; /* not owned; NULL: nothing is watched (a rehearsal) */
	enum pool_state state;
	struct generation
		*generation; /* a reference; NULL: the pool is from another image of this program (handover.h) */
	const struct config_service *service;
	uint64_t fingerprint; /* of the configuration of a pool from another image (config/fingerprint.h); else 0 */
	struct config_service *stand_in; /* owned: `service`, where there is no generation; else NULL */
	struct config_workers limits;	 /* the service's, or those that "preforkctl resize" has set */
	struct pool_hours hours;	 /* if the service has access.times */
	struct listener *listeners;	 /* owned; one for each lane */
	size_t n_lanes;
	struct board board;
	int ring;		      /* an eventfd that workers write to; see pool_watch.h */
	struct worker_output *output; /* owned; NULL: no worker was started whose lines go to standard error */
	int targets;		      /* the memory of board/targets.h, if the service has upstreams; else -1 */
	sd_event_source *ring_source, *ring_timer; /* the timer ends a rest (source_rest.h); NULL: there was none */
	uint64_t rung_us;			   /* when the ring was last answered; of the event loop's clock */
	void (*on_ring)(struct pool *pool, void *userdata); /* set by pool_watch() */
	void *on_ring_data;
	int dead; /* fd_dead(), for the workers; not owned: all pools share it */
	struct pool_policy policy;
	struct policy_lane *lanes;     /* scratch of pool_look_after() */
	struct pool_lane *lane_memory; /* one for each lane */
	int64_t looked_ms; /* when program_step() last looked at the programs; ms of the clock, as all times here */
	bool is_rolling;   /* programs are being replaced: each lane has a target of its own (copies.h) */
	unsigned n_lost;   /* programs that ended meanwhile before they had outlived their watch */
	struct program_end *last_end;  /* owned; how the last of these ended; NULL: none, or no memory */
	struct program_notify *notify; /* owned; NULL: the service runs no programs */
	struct proc *procs;	       /* list, the oldest first */
	size_t n_procs;
	struct proc **by_pid;	 /* the hash of the processes of all pools; not owned */
	struct own_names own;	 /* names of the counters that the service's module has on the board */
	struct totals *totals;	 /* a reference, shared by all generations of the service */
	struct sources *sources; /* a reference, shared likewise as long as access.sources stays the same */
	struct pool_full *full;	 /* owned; NULL: the pool is from another image */
	struct pool_crashes crashes;
	struct family_limit family; /* of what the log says of programs that are killed */
	int64_t wind_down_ms;	    /* when draining or ending began */
	const char *occasion;	    /* of wind_down_begin(): "stop", "reload" ...; a literal */
	bool failed_start;	    /* a worker has died before any worker was ever ready */
	bool proved;		    /* some worker has been ready */
	bool suspects;		    /* a worker has left because of its listener, which is to be looked at */
	bool paused;		    /* by order: takes no client, unless it ends; clients wait in the queue */
	bool cut;		    /* wind_down_now() has cut the pool's clients */
	bool yields;		    /* superseded: its programs leave as those of the pool in force are ready */
	bool stays;		    /* superseded: its programs serve on, until a later order replaces those in force */
	struct pool *prev, *next;   /* of the list of pools that retire */
};

struct log_about pool_about(const struct pool *pool);

const char *pool_state_name(enum pool_state state);

/* The same for people, who also want to know that it is paused. */
const char *pool_state_text(const struct pool *pool);

/* It is paused and does not end: queued clients stay queued. */
bool pool_rests(const struct pool *pool);

/* The pool is draining or ending: it serves clients that are queued or connected, and takes no new ones. */
bool pool_winds_down(const struct pool *pool);

/* How many copies of its program are configured for each address; at least 1. */
int64_t pool_copies(const struct pool *pool);

/* Until when (ms of the clock) no worker is started, because all that were started died early; 0: workers may start. */
int64_t pool_throttled(const struct pool *pool, int64_t now_ms);

/* The pool of an optional service of which no worker was ever ready, and some have failed: the service waits, and the
 * log has the reason. Further failures are not worth a line. */
bool pool_is_quiet(const struct pool *pool);

/* Every worker that was started is ready, and there is one if any lane serves clients. */
bool pool_all_ready(const struct pool *pool);

/* Workers that may live at once: workers.max, and those that turn clients away beside them (workers.on_full). */
int64_t pool_most_workers(const struct pool *pool);

/* Slots that the board of a pool with LIMITS and N_LANES lanes needs. */
size_t pool_slots(const struct config_workers *limits, size_t n_lanes);

/* The pool's board has slots enough for LIMITS. */
bool pool_has_room(const struct pool *pool, const struct config_workers *limits);

/* Puts LIMITS into force; the board has room for them. The next look starts or retires workers accordingly. */
void pool_set_limits(struct pool *pool, const struct config_workers *limits);

/* Writes to the head of the board what workers must know of the pool. Each look repeats it, because a worker that ran
 * wild may have overwritten it. */
void pool_publish(struct pool *pool);

#endif
