/* SPDX-License-Identifier: MIT */
/*
 * Master. Workers that are programs which accept by themselves (handler = "listen"). A program knows no board: the
 * master writes its slot. STARTING until the program is ready, IDLE as long as it runs, LEAVING once it was retired.
 */
#ifndef PREFORKD_POOL_PROGRAM_H
#define PREFORKD_POOL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/program_output.h"

struct death;
struct err;
struct pool;
struct proc;

#define PROGRAM_STATUS_MAX 256
#define PROGRAM_EARLY_MS   5000 /* a program that ends sooner, without an order to leave, has failed */

struct program {
	struct program_output *output;	 /* owned */
	int64_t alive_ms;		 /* when it has last said that it is alive */
	int64_t abort_ms;		 /* when it was sent SIGABRT; 0: never */
	char status[PROGRAM_STATUS_MAX]; /* the text of its last STATUS= */
};

/* To be called before the fork. *output_out: the end of the pipe for the program, the caller's. NULL and *err. */
struct program *program_new(const struct pool *pool, int *output_out, struct err *err);

/* To be called after the fork, in the master. */
void program_started(struct proc *proc);

/* Its output may write as much into the log as the service of its pool says (program.log_rate). */
void program_limit_output(struct proc *proc);

/* NULL is allowed; *program becomes NULL. */
void program_free(struct program **program);

/* The program has sent READY=1, STATUS=TEXT, WATCHDOG=1. */
void program_said_ready(struct proc *proc);
void program_said_status(struct proc *proc, const char *text);
void program_said_alive(struct proc *proc);

/* The program hangs, and WHY goes to the log: SIGABRT, and some seconds later SIGKILL. */
void program_abort(struct proc *proc, const char *why);

/* A program that does not say READY=1 (program.notify) is ready when it has lived for timeouts.start. */
void program_look_ready(struct proc *proc, int64_t now_ms);

/* Sends the program its stop signal. For pool_retire_proc(). */
void program_retire(struct proc *proc);

/* Kills programs of POOL that hang, or were retired and have not left within timeouts.drain. */
void program_step(struct pool *pool, int64_t now_ms);

/* The program has ended as ordered, with STATUS of waitpid(2): logs that. */
void program_tell_left(const struct proc *proc, int status);

/* The program has ended, and nobody ordered it: logs that. */
void program_tell_death(const struct proc *proc, const struct death *death);

#endif
