/* SPDX-License-Identifier: MIT */
/*
 * Master. Operations: orders that are being carried out. Each has a job somebody may wait for, a state with a text, a
 * time when it wants to be called again, and a verdict. order_table.h says which may run beside which.
 *
 * Handlers of events never step an operation: they change what they own, or call operations_mark(). When the event is
 * over, operations_sweep() steps what is marked or due, lets waiting operations begin, reports, answers the callers,
 * and frees what is over. So no operation, and no pool, vanishes while a function that uses it is still running.
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
	const char *name, *doing; /* "reload", "reloading": for the log, the job, and STATUS= */
	size_t size;		  /* of the struct that has a struct operation as its first member */
	bool is_changer;	  /* systemd is told RELOADING=1 and READY=1, `status` shows the verdict */
	/* Begins it; it may finish it, too. */
	void (*begin)(struct operation *op);
	/* Does what can be done now. Returns when to be called again (ms of the clock) if nothing happens before;
	 * 0: only when something happens. NULL: begin() finishes it. */
	int64_t (*step)(struct operation *op, int64_t now);
	/* Gives up what is not in force, for the reason WHY, and finishes the operation, in every state. */
	void (*end)(struct operation *op, const char *why);
	bool (*is_committed)(const struct operation *op); /* NULL: it never is */
	void (*clear)(struct operation *op);		  /* frees what the kind's struct holds; NULL: nothing */
};

struct operation {
	const struct operation_kind *kind;
	struct operations *all;
	struct member *member; /* a reference: the service that was named; NULL: all of them */
	int64_t min, max;      /* of a resize */
	unsigned job;	       /* 0: nobody waits for it */
	bool is_over;	       /* it has its verdict, and is freed by the sweep */
	int64_t due_ms;	       /* 0: only when something happens */
	struct operation *prev, *next;
};

struct operations {
	struct fleet *fleet;
	const struct launch *launch;
	struct control_socket *control;	     /* owned; NULL: not open yet */
	struct server *server;		     /* of its clients (daemon/control); owned; NULL: not open yet */
	struct operation *running, *waiting; /* lists, in the order in which they began, or were asked for */
	struct jobs jobs;
	struct verdict last;
	struct host_limits host;
	bool is_marked;
	unsigned n_begun, n_ended; /* changers, since the beginning: for the report to systemd */
	bool has_started;	   /* the start is over, and all services serve */
	int exit_status;	   /* of the daemon, once it stops */
	sd_event_source *post, *timer;
	void (*report)(void *userdata); /* after each sweep; both may be NULL */
	void (*answer)(void *userdata); /* some job is done */
	void *userdata;
};

/* Makes the loop call operations_sweep() after every event. -1 and *err. */
int operations_watch(struct operations *ops, struct err *err);

/* Something has happened that an operation may wait for. */
void operations_mark(struct operations *ops);

void operations_sweep(struct operations *ops);

/* Frees all, without verdicts. */
void operations_clear(struct operations *ops);

/*
 * Asks for an operation; MEMBER is the service that it is about, or NULL; MIN and MAX are a resize's. Returns the
 * number of the job that will have the verdict: one of its own, or the one of an operation that it joins.
 * 0 and *err: it is refused.
 */
unsigned operation_ask(struct operations *ops, const struct operation_kind *kind, struct member *member, int64_t min,
		       int64_t max, struct err *err);

/* Without asking the table: an operation that runs from now on (the start; what an image before has begun). JOB may be
 * 0. begin() is not called. NULL: no memory. */
struct operation *operation_run(struct operations *ops, const struct operation_kind *kind, struct member *member,
				unsigned job);

/* The same, but it waits, as it did in the image before. -1: no memory. */
int operation_wait(struct operations *ops, const struct operation_kind *kind, struct member *member, unsigned job,
		   int64_t min, int64_t max);

/* How far OP is, for those who wait. */
void operation_progress(struct operation *op, const char *text);

/* The verdict. REASONS (strings; may be NULL) is taken over. OP lives until the sweep. */
void operation_finish(struct operation *op, bool success, const char *text, json_t *reasons);

/* The first one that runs and is of this kind; NULL: none. */
struct operation *operation_find(const struct operations *ops, enum order order);

/* The changer that runs, an upgrade included; NULL: none. */
struct operation *operation_find_changer(const struct operations *ops);

/* OP's changes are in force: nothing can be given up any more. */
bool operation_is_committed(const struct operation *op);

/* Ends all that run but BUT, and all that wait: each gets WHY as its verdict. */
void operations_end_all(struct operations *ops, const struct operation *but, const char *why);

#endif
