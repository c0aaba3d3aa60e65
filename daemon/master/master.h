/* SPDX-License-Identifier: MIT */
/*
 * Master. Its main function: it sets up the fleet, the operations and the event loop (sd-event), and runs the loop. The
 * master owns the configuration, listeners and boards, and starts and reaps workers. It never reads a byte from a
 * client.
 */
#ifndef PREFORKD_MASTER_MASTER_H
#define PREFORKD_MASTER_MASTER_H

struct config;
struct launch;

/*
 * Runs the daemon until it is stopped, and returns the exit status (sysexits.h). The caller has opened the log and the
 * descriptors 0 to 2. CONFIG is taken over.
 */
/* Sets the handlers and the mask of signals. After the exec of an upgrade it is the first act, because the handlers of
 * the image before are gone; signals have been blocked meanwhile. */
void master_set_signals(void);

int master_run(const struct launch *launch, struct config *config);

#endif
