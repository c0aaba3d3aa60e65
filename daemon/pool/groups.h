/* SPDX-License-Identifier: MIT */
/*
 * Master. Control groups, where the service manager has left the unit's part of their tree to the daemon (systemd:
 * Delegate=). This file owns that part:
 *
 *	daemon                 the master, and all that does not run programs
 *	svc-NAME               a service that runs programs
 *	svc-NAME/workers       its workers
 *	svc-NAME/programs      counts and limits its programs (limits.memory, limits.tasks)
 *	svc-NAME/programs/PID  the programs of one worker (sandbox/group.h), or a program that accepts by itself
 *
 * The folders themselves say all there is to know, so that another image of this program finds everything again. Where
 * nothing was left to the daemon there are no groups, and the calls do nothing.
 */
#ifndef PREFORKD_POOL_GROUPS_H
#define PREFORKD_POOL_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

struct config_service;
struct group_use;
struct proc;

/* Once, before any worker is started: looks whether there are groups, and moves this process into one of its own. */
void groups_open(void);

/* The end of groups_open(): TOP is the descriptor of the folder that was left to the daemon, which this file takes
 * over. For tests, which give it a folder of their own. */
void groups_begin(int top);

/* Makes the group of SERVICE, unless there is one. Returns a descriptor for a worker that is about to be started, the
 * caller's; -1: there are no groups, the service runs no programs, or the failure has been logged. */
int groups_make(const struct config_service *service);

/* Puts changed limits of SERVICE into force, if it has a group. A failure is logged. */
void groups_limit(const struct config_service *service);

/* Tells what the programs of the service NAME use. False: it has no group. */
bool groups_look(const char *name, struct group_use *out);

/* The kernel has killed a process of PID, a program of SERVICE, for want of memory. To be asked before groups_left().
 */
bool groups_ran_out(const struct config_service *service, pid_t pid);

/* The worker or program PID of SERVICE has ended: ends what is left of its programs. */
void groups_left(const struct config_service *service, pid_t pid);

/* Something may be left to remove: groups_sweep() must be called. */
bool groups_are_due(void);

/* Removes the groups of processes that are not in BY_PID any more, with all that is left in them, and those of services
 * without any process. A group that cannot be removed yet stays due. */
void groups_sweep(struct proc *by_pid);

/* No worker is left: removes everything. Blocks, for at most GROUPS_CLOSE_MS, until all in them have ended. */
#define GROUPS_CLOSE_MS 1000
void groups_close(void);

#endif
