/* SPDX-License-Identifier: MIT */
/*
 * Master. Orphans: processes that became our children because their parent has died. A killed worker's program leaves
 * them behind, and a program that puts itself in the background. No process of a connection may outlive it, so they
 * are killed.
 */
#ifndef PREFORKD_FLEET_ORPHANS_H
#define PREFORKD_FLEET_ORPHANS_H

#include <jansson.h>

#include "pool/proc.h"

/* Makes this process the parent of orphans (PR_SET_CHILD_SUBREAPER), and remembers the children that it has already:
 * they are older than this program, and are never killed. */
void orphans_init(void);

/* The pids of the remembered children, a new list for the next image of this program. orphans_restore() in the next
 * image replaces what its orphans_init() has found. */
json_t *orphans_before_us(void);
void orphans_restore(const json_t *list);

/* Kills every child that is not in BY_PID, is not a remembered one, and was not started by child_fork(). Returns how
 * many. */
int orphans_end(struct proc *by_pid);

/* The same until no child is left, because the children of a killed process become ours. Reaps them. Blocks, for at
 * most ORPHANS_END_MS. */
#define ORPHANS_END_MS 1000
void orphans_end_all(struct proc *by_pid);

#endif
