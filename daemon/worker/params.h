/* SPDX-License-Identifier: MIT */
/* Master and worker. The parameters that the master gives a worker at fork. */
#ifndef PREFORKD_WORKER_PARAMS_H
#define PREFORKD_WORKER_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;
struct config_service;
struct sources;

/* The descriptors are the master's; the worker has its own copies of them, made by fork(). */
struct worker_params {
	const struct config *config;
	const struct config_service *service;
	int listener;
	int board;		       /* the memfd of the service's board */
	size_t n_lanes, n_slots;       /* of the board */
	int ring;		       /* the eventfd of the service's board */
	const struct sources *sources; /* the master's; its mapping is not inherited */
	size_t seat;		       /* of this worker, in the table of sources */
	int dead;		       /* fd_dead() */
	int targets; /* the memfd of board/targets.h, for a service that passes connections on; -1: none */
	int proof;   /* where the worker proves itself and waits for the master (proof.h); -1: it need not */
	size_t lane; /* of this worker's listener, on the board */
	size_t slot; /* of this worker, on the board */
	pid_t master;
	bool quiet;	    /* the service waits, and the reason is in the log already: a failure is not worth a line */
	int group;	    /* of the service (pool/groups.h); -1: none */
	int output;	    /* its standard output and error; -1: /dev/null */
	const char *notify; /* of a worker that becomes a program: the address for its NOTIFY_SOCKET */
};

#endif
