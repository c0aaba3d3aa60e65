/* SPDX-License-Identifier: MIT */
/*
 * The master: owns configuration, listeners and boards, starts and reaps workers. It never reads a
 * byte from a client. Its loop is sd-event.
 */
#ifndef PREFORKD_MASTER_MASTER_H
#define PREFORKD_MASTER_MASTER_H

struct config;

/*
 * Runs the daemon until it is told to stop; returns the exit status (sysexits.h). The log is open, 0 to 2 are
 * laid. WHEN_READY (may be NULL) is called once all workers of the start wait for clients.
 */
int master_run(const struct config *config, void (*when_ready)(void));

#endif
