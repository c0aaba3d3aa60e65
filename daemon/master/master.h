/* SPDX-License-Identifier: MIT */
/*
 * The master: owns configuration, listeners and boards, starts and reaps workers. It never reads a
 * byte from a client. Its loop is sd-event.
 */
#ifndef PREFORKD_MASTER_MASTER_H
#define PREFORKD_MASTER_MASTER_H

struct config;
struct launch;

/*
 * Runs the daemon until it is told to stop; returns the exit status (sysexits.h). The log is open, 0 to 2 are
 * laid. CONFIG is taken over.
 */
int master_run(const struct launch *launch, struct config *config);

#endif
