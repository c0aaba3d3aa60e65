/* SPDX-License-Identifier: MIT */
/*
 * Master. A reload is a transaction: a child reads the configuration; it is checked and compared; then it is rolled
 * out (rollout.h).
 *
 *	loading -> rollout
 */
#ifndef PREFORKD_CHANGE_RELOAD_H
#define PREFORKD_CHANGE_RELOAD_H

#include <sys/types.h>

#include "change/operation.h"

extern const struct operation_kind reload_kind;

/* The child PID has ended, with STATUS of waitpid(2). False: it is not the one that reads the configuration. */
bool reload_reaped(struct operations *ops, pid_t pid, int status);

#endif
