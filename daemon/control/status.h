/* SPDX-License-Identifier: MIT */
/* The state of everything as JSON. The keys are a contract with those who read them: add, never rename. */
#ifndef PREFORKD_CONTROL_STATUS_H
#define PREFORKD_CONTROL_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "pool/totals.h"

struct master;
struct pool;

/* Of the daemon and its services; POOL: of that service alone. */
json_t *status_json(const struct master *master, const struct pool *pool);

/* A list of all workers, former generations' too. */
json_t *status_workers_json(const struct master *master, const struct pool *pool);

/* What a service has done, all its generations together. */
void status_counts(const struct master *master, const struct pool *pool, struct counts *out);

/* Clients that were refused, found a full queue, or were thrown back by the kernel for another reason. */
int64_t status_refused(const struct master *master);

/* "serving", "reloading", ... */
const char *status_state(const struct master *master);

#endif
