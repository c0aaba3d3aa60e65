/* SPDX-License-Identifier: MIT */
/* Master. The state of the daemon as JSON. Programs read it: keys may be added, and are never renamed. */
#ifndef PREFORKD_CONTROL_STATUS_H
#define PREFORKD_CONTROL_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "pool/totals.h"

struct operations;
struct pool;

/* The daemon and its services, also the disabled ones, or only the service NAME (NULL: all). */
json_t *status_json(const struct operations *ops, const char *name);

/* A list of all workers, including those of former generations. NAME as above. */
json_t *status_workers_json(const struct operations *ops, const char *name);

/* Counts the work of POOL's service, in all its generations together. */
void status_counts(const struct operations *ops, const struct pool *pool, struct counts *out);

/* Clients that were refused by a worker, or by the kernel: a full queue, or another reason. */
int64_t status_refused(const struct operations *ops);

/* "serving", "reloading", ... */
const char *status_state(const struct operations *ops);

#endif
