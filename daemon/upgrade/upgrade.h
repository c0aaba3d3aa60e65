/* SPDX-License-Identifier: MIT */
/*
 * Master. Replaces the binary of the running process: pid, children, listeners and their queues stay. The new binary
 * first rehearses in a child, on the same descriptors (rehearsal.h), and is executed only if the rehearsal succeeds.
 * The state is handed over in a memfd (handover.h). Workers of the old binary serve their clients to the end.
 */
#ifndef PREFORKD_UPGRADE_UPGRADE_H
#define PREFORKD_UPGRADE_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "change/operation.h"

struct err;

/* The old image begins it; the new image gives the verdict. */
extern const struct operation_kind upgrade_kind;

/* The new image: restores what the old one handed over, and goes on with the upgrade. *resumed_out: there was an old
 * image. -1 and *err: the handover makes no sense, or there is no memory. */
int upgrade_resume(struct operations *ops, bool *resumed_out, struct err *err);

/* A child of the master has ended. True: it was the rehearsal. */
bool upgrade_reaped(struct operations *ops, pid_t pid, int status);

#endif
