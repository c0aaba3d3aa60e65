/* SPDX-License-Identifier: MIT */
/* The master's state, for the files of this room only. */
#ifndef PREFORKD_MASTER_STATE_H
#define PREFORKD_MASTER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/limits.h"
#include "change/jobs.h"
#include "change/launch.h"
#include "pool/generation.h"
#include "pool/pool.h"

enum master_phase { MASTER_STARTING, MASTER_SERVING, MASTER_STOPPING };

struct control_socket;
struct reload;
struct server;
struct unit_query;
struct upgrade;

struct verdict { /* of the last reload or upgrade */
	bool any, success;
	int64_t at_ms;
	char text[512];
};

struct admin { /* of admin.c: what was ordered and has not come about yet */
	unsigned pause_job, drain_job, undrain_job;
	int64_t pause_due_ms, undrain_due_ms;
	int64_t drained_ms;	 /* since when all queues are shut; 0: some is not */
	json_t *undrain_reasons; /* what could not be had again so far */
	sd_event_source *timer;
};

struct master {
	const struct launch *launch;
	struct generation *generation; /* in force */
	struct generation *reread;     /* read since, and the same but for where things stand in it; NULL: none was */
	sd_event *event;
	sd_event_source *stop_timer;   /* while stopping */
	sd_event_source *ending_timer; /* of ending.c */
	enum master_phase phase;
	struct pool **pools; /* one a service, in the configuration's order */
	size_t n_pools;
	struct pool *ending;	 /* list: former generations, removed services */
	struct proc *by_pid;	 /* all workers */
	int dead;		 /* fd_dead() */
	bool has_programs;	 /* some service runs programs: there may be orphans */
	bool drained;		 /* by order, all services are, or are on the way to it */
	struct reload *reload;	 /* under way; NULL: none */
	struct upgrade *upgrade; /* the same */
	unsigned reload_wanted;	 /* the job of one that was asked for during the start; 0: none */
	struct jobs jobs;
	struct admin admin;
	struct control_socket *control_socket; /* owned; NULL: not open yet */
	struct server *server;		       /* of its clients; owned; NULL: not open yet */
	struct verdict last_reload;
	struct limits unit;	       /* of host.c: what the service manager has answered */
	struct unit_query *unit_query; /* a question that it has not; NULL: none */
	int64_t started_ms;
	char status[768]; /* the last STATUS= line */
	int exit_status;
};

#endif
