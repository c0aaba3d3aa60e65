/* SPDX-License-Identifier: MIT */
/* Master and worker. What they agree on beside the board: signals and exit statuses. */
#ifndef PREFORKD_WORKER_CONTRACT_H
#define PREFORKD_WORKER_CONTRACT_H

#include <signal.h>

#define WORKER_SIGNAL_RETIRE SIGTERM /* finish the current client, accept no other, leave */
#define WORKER_SIGNAL_CUT    SIGUSR1 /* cut the current client and leave; the kernel sends it when the master dies */
#define WORKER_SIGNAL_EVICT  SIGUSR2 /* cut the client if it has sent nothing; sigqueue(3) with board_slot.turn */

/* Time that a worker has for its clean-up after WORKER_SIGNAL_CUT, before it is killed. */
#define WORKER_CUT_GRACE_MS 4000

enum worker_exit {
	WORKER_EXIT_DONE = 0,	   /* it left as ordered */
	WORKER_EXIT_SETUP = 71,	   /* the set-up failed; the worker has logged why */
	WORKER_EXIT_LISTENER = 72, /* its listener cannot be used any more; the worker has logged why */
};

#endif
