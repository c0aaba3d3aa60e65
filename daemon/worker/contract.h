/* SPDX-License-Identifier: MIT */
/* What master and worker agree on beside the board: signals and exit statuses. */
#ifndef PREFORKD_WORKER_CONTRACT_H
#define PREFORKD_WORKER_CONTRACT_H

#include <signal.h>

#define WORKER_SIGNAL_RETIRE SIGTERM /* finish this client, take no other, leave */
#define WORKER_SIGNAL_CUT    SIGUSR1 /* end this client now and leave; sent by the kernel, too, when the master dies */
#define WORKER_SIGNAL_EVICT  SIGUSR2 /* end the client of this turn (the value, see board.h) if it has sent nothing */

/* How long a worker that was cut has for its clean-up before it is killed. */
#define WORKER_CUT_GRACE_MS 4000

enum worker_exit {
	WORKER_EXIT_DONE = 0,	   /* left as it was told */
	WORKER_EXIT_SETUP = 71,	   /* could not become a worker; it has logged why */
	WORKER_EXIT_LISTENER = 72, /* its listener is not usable any more; it has logged why */
};

#endif
