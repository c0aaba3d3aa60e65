/* SPDX-License-Identifier: MIT */
/*
 * Workers that are programs which accept by themselves: what they cannot write on the board is written by the master
 * for them. STARTING until they are ready, IDLE as long as they run, LEAVING once they were told to leave.
 */
#ifndef PREFORKD_POOL_PROGRAM_H
#define PREFORKD_POOL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/program_output.h"

struct err;
struct pool;
struct proc;

#define PROGRAM_STATUS_MAX 256
#define PROGRAM_EARLY_MS   5000 /* one that ends sooner, without being told to, has failed */

struct program {
	struct program_output *output;
	int64_t alive_ms;		 /* when it has last said that it is alive */
	int64_t abort_ms;		 /* was sent SIGABRT; 0: was not */
	char status[PROGRAM_STATUS_MAX]; /* what it says of itself */
};

/* Before the fork: its pipe. NULL and *err. */
struct program *program_new(const struct pool *pool, int *output_out, struct err *err);

/* After it. */
void program_started(struct proc *proc);

void program_free(struct program **program);

/* What it has said. */
void program_said_ready(struct proc *proc);
void program_said_status(struct proc *proc, const char *text);
void program_said_alive(struct proc *proc);

/* SIGABRT, and some seconds later SIGKILL: it hangs. */
void program_abort(struct proc *proc, const char *why);

/* One that need not say that it is ready is when it has lived long enough. */
void program_look_ready(struct proc *proc, int64_t now_ms);

/* Tells it to leave. */
void program_retire(struct proc *proc);

/* Ends those of POOL that hang, or were told to leave and do not. */
void program_step(struct pool *pool, int64_t now_ms);

/* Puts right what one of them has done to the listeners of all. */
void program_mend_listeners(struct pool *pool);

/* It has ended by itself or by the order to leave; STATUS is waitpid(2)'s. Says so where somebody should know. */
void program_tell_gone(const struct proc *proc, int status);

#endif
