/* SPDX-License-Identifier: MIT */
/*
 * What one image of this program leaves to the next, as JSON in a memfd: pools with their listeners, boards and
 * workers, counters, verdicts. Descriptors are named by number and survive the exec. FORMAT grows with every change
 * that an older or newer image would misread; another one is refused, in the rehearsal.
 */
#ifndef PREFORKD_UPGRADE_HANDOVER_H
#define PREFORKD_UPGRADE_HANDOVER_H

#include <jansson.h>
#include <stdbool.h>

#define HANDOVER_FORMAT 5

struct err;
struct operations;

/* Everything of OPS and its fleet; JOB is the upgrade's. NULL: no memory. */
json_t *handover_collect(const struct operations *ops, unsigned job);

/* In a memfd, close-on-exec. -1 and *err. */
int handover_write(const json_t *handover, struct err *err);

/* NULL and *err: not readable, of another format, or not for the process MASTER_PID. FD stays the caller's. */
json_t *handover_read(int fd, int master_pid, struct err *err);

/* Its descriptors survive an exec, or do not. */
void handover_keep(const json_t *handover, bool keep);

/* Makes MASTER have it all: the pools are in ops->fleet->retiring, superseded or ending, and lend their listeners.
 * -1 and *err: something in it makes no sense. */
int handover_restore(struct operations *ops, const json_t *handover, struct err *err);

#endif
