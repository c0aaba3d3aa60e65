/* SPDX-License-Identifier: MIT */
/* Worker. The descriptors that it keeps of those that the master had open. */
#ifndef PREFORKD_WORKER_DESCRIPTORS_H
#define PREFORKD_WORKER_DESCRIPTORS_H

#include "worker/params.h"

/* Replaces standard input, output and error, gives up the master's connection to the log, and closes all other
 * descriptors but those of PARAMS and those that the service's module keeps. -1 and errno: some could not be closed,
 * and the process must exit. */
int descriptors_set_up(const struct worker_params *params);

#endif
