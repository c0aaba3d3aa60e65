/* SPDX-License-Identifier: MIT */
/* Master. The upstreams of a service as JSON: which of them, and of their addresses, have failed. */
#ifndef PREFORKD_CONTROL_STATUS_UPSTREAMS_H
#define PREFORKD_CONTROL_STATUS_UPSTREAMS_H

#include <jansson.h>

struct pool;

/* An empty list for a service without upstreams, and if the memory of the workers cannot be mapped. */
json_t *status_upstreams_json(const struct pool *pool);

#endif
