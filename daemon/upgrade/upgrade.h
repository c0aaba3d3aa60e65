/* SPDX-License-Identifier: MIT */
/*
 * Master. A new binary takes the place of this one in the same process: same pid, same children, same listeners and
 * queues. It rehearses first, in a child, on the same descriptors; only if that goes well it is executed. What it needs
 * to know is handed over in a memfd (handover.h). The workers of the old binary serve their clients to the end.
 */
#ifndef PREFORKD_UPGRADE_UPGRADE_H
#define PREFORKD_UPGRADE_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "change/operation.h"

struct err;

/* The verdict comes from the new image. */
extern const struct operation_kind upgrade_kind;

/* In the new image: takes over what the old one had, if there was one (*resumed_out), and goes on with the upgrade.
 * -1 and *err: what was handed over makes no sense, or no memory. */
int upgrade_resume(struct operations *ops, bool *resumed_out, struct err *err);

/* A child of the master has ended: was it the rehearsal? */
bool upgrade_reaped(struct operations *ops, pid_t pid, int status);

#endif
