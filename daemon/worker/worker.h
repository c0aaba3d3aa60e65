/* SPDX-License-Identifier: MIT */
/* A worker's life: set-up, wait for a client, serve it, and again, until it is told to leave. */
#ifndef PREFORKD_WORKER_WORKER_H
#define PREFORKD_WORKER_WORKER_H

#include <stddef.h>
#include <sys/types.h>

struct config;
struct config_service;

/* What a worker is given at fork. Descriptors are the master's; the worker uses its copies. */
struct worker_params {
	const struct config *config;
	const struct config_service *service;
	int listener;
	int board;   /* the service's memfd */
	int ring;    /* its eventfd */
	int sources; /* its table of sources; -1: none */
	size_t seat; /* of that: this worker's */
	int dead;    /* fd_dead() */
	int targets; /* of board/targets.h, for a service that passes connections on; else -1 */
	int hold;    /* where it waits for the master's go (hold.h); -1: it need not */
	size_t lane; /* of the board: which listener this is */
	size_t slot; /* of the board: this worker's */
	pid_t master;
	/* where the worker becomes a program: */
	int output;	    /* its standard output and error */
	const char *notify; /* the address of the socket that it may tell things through */
};

/* Runs in the new process right after fork(), with all signals blocked; ends it with one of
 * enum worker_exit. */
_Noreturn void worker_main(const struct worker_params *params);

#endif
