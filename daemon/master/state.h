/* SPDX-License-Identifier: MIT */
/* The master's state, for the files of this room only. */
#ifndef PREFORKD_MASTER_STATE_H
#define PREFORKD_MASTER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "master/pool.h"

enum master_phase { MASTER_STARTING, MASTER_SERVING, MASTER_STOPPING };

struct master {
	const struct config *config;
	sd_event *event;
	sd_event_source *stop_timer; /* while stopping */
	enum master_phase phase;
	struct pool *pools; /* one a service, in its order */
	size_t n_pools;
	struct proc *by_pid; /* all workers */
	int dead;	     /* fd_dead() */
	void (*when_ready)(void);
	bool has_programs;   /* some service runs programs: there may be orphans */
	int64_t started_ms;
	int64_t stop_ms;     /* when the stop began */
	char status[128];    /* the last STATUS= line */
	int exit_status;
};

#endif
