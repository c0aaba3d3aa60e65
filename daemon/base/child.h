/* SPDX-License-Identifier: MIT */
/*
 * Any process. Children that do one task and end: each is in a session of its own, dies with its parent, and is killed
 * with its whole process group before it is reaped, while the zombie still holds the number. This file owns the list of
 * the living children that child_fork() made; the list is empty in a process that was forked.
 */
#ifndef PREFORKD_BASE_CHILD_H
#define PREFORKD_BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct rusage;

/*
 * fork(2). The child leads a session of its own, and SIGKILL ends it when the parent dies. 0 in the child; the pid in
 * the parent, which must call child_wait() or child_reap_any() later; -1 with errno. Signal mask, descriptors and
 * buffers of stdio are the caller's business.
 */
pid_t child_fork(void);

/* True for a child of child_fork() that was not reaped yet. */
bool child_is_ours(pid_t pid);

/* Kills the child with its group; does nothing for a pid that is not in the list. The child must still be reaped. */
void child_kill(pid_t pid);

/* Kills PID, a child of any kind that leads a process group or is going to, with its group. */
void child_kill_group(pid_t pid);

/* Blocks until the child ends by itself or by child_kill(), kills the rest of its group, reaps it. Returns waitpid(2)'s
 * status; 0 if there is no such child. */
int child_wait(pid_t pid);

/*
 * Reaps one child of any kind that has ended, and kills the group of a child of child_fork() before that. Never blocks.
 * The pid, with waitpid(2)'s status, and in *USAGE_OUT (may be NULL) what the child and the children that it has waited
 * for have used; 0: no child has ended; -1 with errno: there are no children.
 */
pid_t child_reap_any(int *status_out, struct rusage *usage_out);

/*
 * In a child, once: SIG arrives when the parent dies, and the child leads a session and a process group of its own. So
 * it has no controlling terminal: keys pressed there send it no signal, and it cannot push input into the shell of the
 * person who started the daemon (TIOCSTI). -1 with errno on failure; ESRCH: PARENT is dead already. A change of user
 * clears the signal, so call this afterwards. Async-signal-safe, also in a child that shares its parent's memory.
 */
int child_bind(pid_t parent, int sig);

#endif
