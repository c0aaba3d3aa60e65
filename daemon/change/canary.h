/* SPDX-License-Identifier: MIT */
/*
 * The canaries of a plan: of each pool that takes another's place one worker, which proves that it can become one
 * (its user, its board, its service's own set-up) and takes no client before the whole plan is in force.
 */
#ifndef PREFORKD_CHANGE_CANARY_H
#define PREFORKD_CHANGE_CANARY_H

#include <stdbool.h>

struct err;
struct fleet;
struct operations;
struct plan;

enum canary_verdict { CANARY_WAIT, CANARY_PROVEN, CANARY_FAILED };

/* Starts them; marks OPS when one has something to say. -1 and *err: one could not be started. */
int canary_start(struct plan *plan, struct operations *ops, struct err *err);

/* CANARY_PROVEN: all are; CANARY_FAILED: one is not, *err says which service and why. */
enum canary_verdict canary_judge(struct plan *plan, const struct fleet *fleet, struct err *err);

/* The plan is in force: the canaries take clients, and as many workers as their predecessors had start beside them. */
void canary_release(struct plan *plan);

#endif
