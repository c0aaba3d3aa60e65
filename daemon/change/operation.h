/* SPDX-License-Identifier: MIT */
/*
 * Master. Operations: orders that are being carried out. An operation has a job that callers may wait for, a progress
 * text, a time when it must be called again, and a verdict. order_table.h says which may run beside which.
 *
 * Handlers of events never step an operation: they change what they own, or call operations_mark(). When the event is
 * over, operations_sweep() steps the operations that are marked or due, frees those that are over, reports, begins
 * waiting ones, and answers the callers. So no operation and no pool is freed while a function still uses it.
 */
#ifndef PREFORKD_CHANGE_OPERATION_H
#define PREFORKD_CHANGE_OPERATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change/host_limits.h"
#include "change/jobs.h"
#include "change/order_table.h"
#include "change/verdict.h"
#include "fleet/fleet.h"

struct control_socket;
struct err;
struct launch;
struct operation;
struct server;

struct operation_kind {
	enum order order;
	const char *name, *doing; /* "reload", "reloading": for the log, the job and STATUS= */
	size_t size;		  /* of the struct that has a struct operation as its first member */
	bool is_changer;	  /* systemd is told RELOADING=1 and READY=1, `status` shows the verdict */
	/* Begins the operation, and may finish it at once. */
	void (*begin)(struct operation *op);
	/* Does what can be done now. Returns when to call it again (ms of the clock) if nothing happens before then;
	 * 0: only when something happens. NULL: begin() always finishes the operation. */
	int64_t (*step)(struct operation *op, int64_t now);
	/* In every state: gives up what is not in force, because of WHY, and finishes the operation. */
	void (*end)(struct operation *op, const char *why);
	bool (*is_committed)(const struct operation *op); /* NULL: the operation never is */
	void (*clear)(struct operation *op);		  /* frees what the kind's struct holds; NULL: nothing */
};

struct operation {
	const struct operation_kind *kind;
	struct operations *all;
	struct member *member; /* a reference: the service that the order names; NULL: it names none */
	int64_t min, max;      /* of a resize */
	unsigned job;	       /* 0: nobody waits for it */
	json_t *remarks;       /* owned; further reasons of the verdict, which the log has already; NULL: none */
	bool is_over;	       /* it has its verdict; the sweep frees it */
	int64_t due_ms;	       /* when to step it; 0: only when something happens */
	struct operation *prev, *next;
};

struct operations {
	struct fleet *fleet;
	const struct launch *launch;
	struct control_socket *control;	     /* owned; NULL: not open yet */
	struct server *server;		     /* of its clients (daemon/control); owned; NULL: not open yet */
	struct operation *running, *waiting; /* lists, the oldest first */
	struct jobs jobs;
	struct verdict last;
	struct host_limits host;
	bool is_marked;
	unsigned n_begun, n_ended; /* number of changers so far, for the report to systemd */
	bool has_started;	   /* the start is over, and all services serve */
	int exit_status;	   /* of the daemon, when it ends */
	sd_event_source *post, *timer;
	void (*on_swept)(void *userdata);  /* what ran has been stepped; both may be NULL */
	void (*on_answer)(void *userdata); /* some job is done */
	void *userdata;
};

/* Makes the loop call operations_sweep() after every event. -1 and *err. */
int operations_watch(struct operations *ops, struct err *err);

/* Something has happened that an operation may wait for: the next sweep steps all of them. */
void operations_mark(struct operations *ops);

/* See above. Never to be called while a function still uses an operation or a pool. */
void operations_sweep(struct operations *ops);

/* Frees all operations and jobs, without verdicts. */
void operations_clear(struct operations *ops);

/*
 * Asks for an operation. MEMBER is the service that the order names, or NULL; MIN and MAX are for a resize. Returns the
 * number of the job that will have the verdict: a new one, or that of an operation that the order joins. 0 and *err:
 * the order is refused, or no memory.
 */
unsigned operation_ask(struct operations *ops, const struct operation_kind *kind, struct member *member, int64_t min,
		       int64_t max, struct err *err);

/* Makes an operation that runs from now on, without asking the table and without begin(): the start, the stop, and what
 * the image before has begun. JOB may be 0. NULL: no memory. */
struct operation *operation_run(struct operations *ops, const struct operation_kind *kind, struct member *member,
				unsigned job);

/* The same, but the operation waits for its turn. -1: no memory. */
int operation_wait(struct operations *ops, const struct operation_kind *kind, struct member *member, unsigned job,
		   int64_t min, int64_t max);

/* Sets the progress of OP's job. */
void operation_progress(struct operation *op, const char *text);

/* Finishes OP with its verdict; a second call does nothing. REASONS (strings; may be NULL) is taken over. OP lives
 * until the sweep. */
void operation_finish(struct operation *op, bool success, const char *text, json_t *reasons);

/* Finishes OP with the verdict that its service was removed meanwhile. */
void operation_finish_removed(struct operation *op);

/* The oldest operation of this order that runs. NULL: none. */
struct operation *operation_find(const struct operations *ops, enum order order);

/* The changer that runs, or the upgrade. NULL: none. */
struct operation *operation_find_changer(const struct operations *ops);

/* The changes of OP are in force: it cannot be given up any more. */
bool operation_is_committed(const struct operation *op);

/* Ends all operations that run, except BUT (may be NULL), and all that wait, with WHY as the verdict. */
void operations_end_all(struct operations *ops, const struct operation *but, const char *why);

#endif
