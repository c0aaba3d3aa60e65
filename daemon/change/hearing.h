/* SPDX-License-Identifier: MIT */
/* Master. Whether workers have heard an order: a stopped one never does, and a verdict must not say that it did. */
#ifndef PREFORKD_CHANGE_HEARING_H
#define PREFORKD_CHANGE_HEARING_H

#include <stddef.h>
#include <sys/types.h>

#include "fleet/fleet.h"

#define HEARING_MS	6000 /* for workers to hear an order */
#define HEARING_STEP_MS 5    /* between two looks: a worker notes it in its slot and does not ring */

struct hearing {
	size_t n_deaf; /* workers that were told to leave and have not heard it */
	pid_t first;   /* one of them */
};

/* Adds those of POOL. */
void hearing_of_pool(const struct pool *pool, struct hearing *out);

/* Adds those of the service that POOL serves: its own, and those of former generations. */
void hearing_of_service(const struct fleet *fleet, const struct pool *pool, struct hearing *out);

/* "paused, but 1 worker has not heard it (pid 123)" */
void hearing_write(const char *done, const struct hearing *hearing, char *out, size_t size);

#endif
