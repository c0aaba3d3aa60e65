/* SPDX-License-Identifier: MIT */
/*
 * Processes that became our children because their parent died: what a killed worker's program, or a program
 * that put itself in the background, left behind. Nothing of a connection outlives it, so they are ended.
 */
#ifndef PREFORKD_FLEET_ORPHANS_H
#define PREFORKD_FLEET_ORPHANS_H

#include <jansson.h>

#include "pool/proc.h"

/* Makes this process the one that orphans come to (PR_SET_CHILD_SUBREAPER), and remembers the children that it
 * already has: they were here before us and are not ours to end. */
void orphans_init(void);

/* Those children, as a list of numbers for the next image of this program; and there, in place of what it found. */
json_t *orphans_before_us(void);
void orphans_restore(const json_t *list);

/* Kills every child that is neither in BY_PID nor one of those nor a living child of child_fork(); returns how many. */
int orphans_end(struct proc *by_pid);

/* The same until none is left, for what is killed leaves children of its own to us. Reaps them; gives up after
 * ORPHANS_END_MS. */
#define ORPHANS_END_MS 1000
void orphans_end_all(struct proc *by_pid);

#endif
