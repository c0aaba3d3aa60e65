/* SPDX-License-Identifier: MIT */
/*
 * Starts a program for one client. The child shares our memory until it has become the program
 * (as with vfork(2)), so it costs the same however big we are. posix_spawn(3) will not do: it has no
 * parent-death signal, and the program must not outlive its worker.
 */
#ifndef PREFORKD_SERVICES_SPAWN_H
#define PREFORKD_SERVICES_SPAWN_H

#include <sys/types.h>

struct err;

struct spawn {
	char *const *argv; /* argv[0] is an absolute path */
	char *const *envp; /* the whole environment */
	int socket;	   /* becomes 0 and 1; above 2 */
	int errors;	   /* becomes 2; above 2 */
};

/* Remembers which signals must be reset in every child: those that are ignored, which a program would
 * inherit, and those whose handler would act while the child still shares our memory. Once, when
 * all handlers are set. */
void spawn_init(void);

/*
 * The program runs in a process group of its own with default signals, an empty mask, and no other
 * descriptors; it is killed when this process ends, however that ends. All signals must be blocked by the caller:
 * a handler must not run in the child while it shares our memory.
 * Returns the pid, and a pidfd (close-on-exec) that is readable when it has ended; -1 and *err if it
 * could not be started, with execve(2)'s reason too.
 */
pid_t spawn_program(const struct spawn *spawn, int *pidfd_out, struct err *err);

#endif
