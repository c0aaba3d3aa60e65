/* SPDX-License-Identifier: MIT */
/*
 * Worker. The control group of its programs: a group of the worker's own, beside those of the other workers of the
 * service, in a group that counts and limits all programs of the service (pool/groups.h). All that a client's program
 * starts is in it, whatever it does, and the kernel ends all of it at once. Where no groups were left to the daemon
 * there is none, and the calls say so.
 */
#ifndef PREFORKD_SANDBOX_GROUP_H
#define PREFORKD_SANDBOX_GROUP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sandbox;

/* The group of the service, which the master has made; -1: there is none. To be called before sandbox_enter(), which
 * takes the descriptor over. */
void group_give(int service);

/* Makes the worker's group, and moves the worker, or the process that becomes a program, to its place. Without a group
 * of the service it does nothing. -1 and *err: programs are to be limited, and could not be; otherwise a failure means
 * that there is no group. */
int group_enter(struct sandbox *sandbox, struct err *err);

/*
 * How a new program gets into the group: with *DIR_OUT by clone3(2), CLONE_INTO_CGROUP; or, if that is -1, by writing
 * "0" to *PROCS_OUT before execve(2). Both are -1 where there is no group. They stay this file's.
 */
void group_place(int *dir_out, int *procs_out);

/* clone3(2) cannot do it here: group_place() does not offer it any more. */
void group_without_clone(void);

/* Some process is in the group. False where there is none. Costs one system call. */
bool group_is_populated(void);

/* Kills all processes in the group, which does not wait for their end. */
void group_kill(void);

/* The kernel has killed processes of the group for want of memory since the last call: how many. 0 where that is not
 * known. */
int64_t group_oom_kills(void);

#endif
