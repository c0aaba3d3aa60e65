/* SPDX-License-Identifier: MIT */
/* Master. Finds workers that were retired and have not heard it: a stopped worker never does, and the verdict of a
 * pause or a drain must say so. */
#ifndef PREFORKD_CHANGE_HEARING_H
#define PREFORKD_CHANGE_HEARING_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#include "fleet/fleet.h"

#define HEARING_MS	6000 /* time for workers to hear an order */
#define HEARING_STEP_MS 5    /* between two looks: a worker notes in its slot that it has heard, and does not ring */

struct hearing {
	size_t n_deaf; /* workers that were retired and have not heard it */
	pid_t first;   /* the first of them; 0: none */
};

/* Adds the deaf workers of POOL to *out. */
void hearing_of_pool(const struct pool *pool, struct hearing *out);

/* Adds the deaf workers of POOL's service: those of POOL and of its former generations. */
void hearing_of_service(const struct fleet *fleet, const struct pool *pool, struct hearing *out);

/* Writes "paused, but 1 worker has not heard it (pid 123)", where DONE is "paused". */
void hearing_write(const char *done, const struct hearing *hearing, char *out, size_t size);

/* Adds a reason to REASONS (a list) if workers of the retiring pools have not heard that they are to leave: the change
 * is in force, but such a worker may still take a client. */
void hearing_warn(const struct fleet *fleet, json_t *reasons);

#endif
