/* SPDX-License-Identifier: MIT */
/*
 * Worker. Starts a program for one client. The child shares the worker's memory until execve(2), as with vfork(2), so
 * the cost does not grow with the size of the worker. posix_spawn(3) will not do: it cannot set a parent-death signal,
 * and the program must not outlive its worker.
 */
#ifndef PREFORKD_SERVICES_SPAWN_H
#define PREFORKD_SERVICES_SPAWN_H

#include <sys/types.h>

struct err;

struct spawn {
	const char *path; /* of the program; absolute */
	char *const *argv;
	char *const *envp; /* the whole environment */
	int socket;	   /* becomes descriptors 0 and 1; above 2 */
	int errors;	   /* becomes descriptor 2; above 2 */
	int group;	   /* the control group that the program is born in; -1: none */
	int group_procs;   /* or its cgroup.procs, which the child writes itself to; -1: it does not */
};

/* Remembers which signals each child must reset: ignored ones, because a program inherits that, and those with a
 * handler that does something, because it would act on the memory that the child shares with the worker. Once, after
 * all handlers are installed. */
void spawn_init(void);

/*
 * Starts the program in a session of its own, with default signals, an empty signal mask, and no descriptors but
 * 0 to 2. The kernel kills it when this process ends, however that happens. The caller must have all signals blocked: a
 * handler must not run in the child while it shares the memory. Blocks until execve(2) has succeeded or failed.
 * Returns the pid, and in *PIDFD_OUT a pidfd (close-on-exec, the caller's) that is readable when the program has ended;
 * or -1 and *err.
 */
pid_t spawn_program(const struct spawn *spawn, int *pidfd_out, struct err *err);

#endif
