/* SPDX-License-Identifier: MIT */
/*
 * A new binary takes the place of this one in the same process: same pid, same children, same listeners and queues.
 * It rehearses first, in a child, on the same descriptors; only if that goes well it is executed. What it needs to
 * know is handed over in a memfd (handover.h). The workers of the old binary serve their clients to the end.
 */
#ifndef PREFORKD_UPGRADE_UPGRADE_H
#define PREFORKD_UPGRADE_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct master;

/* Asks for one; returns the number of its job. The verdict comes from the new image. */
unsigned upgrade_request(struct master *master);

/* In the new image: takes over what the old one had, if there was one. */
int upgrade_resume(struct master *master, struct err *err);

/* Whatever can be done at the moment; called when a worker has gone, and by ticks. */
void upgrade_step(struct master *master);

/* A child of the master has ended: was it the rehearsal? */
bool upgrade_reaped(struct master *master, pid_t pid, int status);
pid_t upgrade_child(const struct master *master);

void upgrade_abandon(struct master *master);

#endif
