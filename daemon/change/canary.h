/* SPDX-License-Identifier: MIT */
/*
 * Master. The canaries of a plan: the first worker of each fresh pool. A canary proves that a worker of its pool can be
 * set up (user, board, set-up of the service), and takes no client before the whole plan is in force. A program cannot
 * be held back: see rolls.h.
 */
#ifndef PREFORKD_CHANGE_CANARY_H
#define PREFORKD_CHANGE_CANARY_H

#include <stdbool.h>

struct err;
struct fleet;
struct operations;
struct plan;

enum canary_verdict { CANARY_WAIT, CANARY_PROVEN, CANARY_FAILED };

/* Starts the canaries, and the first copies of programs. A message of a canary marks OPS. -1 and *err: one could not be
 * started. */
int canary_start(struct plan *plan, struct operations *ops, struct err *err);

/* CANARY_PROVEN: all have proved themselves. CANARY_FAILED: one cannot; *err says which service, and why. */
enum canary_verdict canary_judge(struct plan *plan, struct err *err);

/* A canary that has proved itself may die while the plan waits, for programs that are watched for minutes: it is
 * started anew, once. -1 and *err: it could not be started. */
int canary_revive(struct plan *plan, struct operations *ops, struct err *err);

/* The plan is in force: lets the canaries serve, and starts as many workers beside them as the old pools have. Canaries
 * of services that do not serve now are retired. */
void canary_release(struct plan *plan);

#endif
