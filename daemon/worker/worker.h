/* SPDX-License-Identifier: MIT */
/* Worker. Its life: set-up, then waiting for a client and serving it, until it is ordered to leave. */
#ifndef PREFORKD_WORKER_WORKER_H
#define PREFORKD_WORKER_WORKER_H

#include "worker/params.h"

/* Called in the new process right after fork(), with all signals blocked. Never returns: the process ends with one of
 * enum worker_exit (contract.h), or becomes the service's program. */
_Noreturn void worker_main(const struct worker_params *params);

#endif
