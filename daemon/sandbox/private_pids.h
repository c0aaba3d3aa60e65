/* SPDX-License-Identifier: MIT */
/*
 * Worker of programs (handler exec). A pid namespace of its own, in which all programs of the worker are born
 * (sandbox.private_pids). The worker itself stays outside, so it knows them by the numbers that the host knows. The
 * first process in the namespace is a child of the worker that does nothing but reap (pid_init.c); when it ends, the
 * kernel kills all others. File-level state.
 */
#ifndef PREFORKD_SANDBOX_PRIVATE_PIDS_H
#define PREFORKD_SANDBOX_PRIVATE_PIDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct err;
struct sandbox;

/* In a mount namespace of its own, and with /proc kept (base/proc_folder.h): makes the pid namespace and its first
 * process, which mounts a new /proc over the old one. Blocks until that is done. 0, or -1 and *err. */
int private_pids_make(struct sandbox *sandbox, struct err *err);

/* This process has a pid namespace for its programs. Async-signal-safe. */
bool private_pids_are_made(void);

/* The first process has ended although nobody wanted that: no program can be started any more. */
bool private_pids_are_lost(void);

/* Is there a process in the namespace that has lost its parent? Costs one system call. Every process there is one of
 * those, or descends from one, once the program that the worker has started is reaped. */
bool private_pids_have_orphans(void);

/* Their pids, decimal, separated by blanks; the caller closes it. NULL: they cannot be listed. */
FILE *private_pids_orphans(void);

/* Kills all processes in the namespace but the first one, and waits until they are reaped, for at most LIMIT_MS. False:
 * something is left. *KILLED_OUT: how many were killed. */
bool private_pids_end(int64_t limit_ms, unsigned *killed_out);

/* Ends the namespace, if this process has one, with all that is in it, and waits until it is gone. */
void private_pids_stop(void);

#endif
