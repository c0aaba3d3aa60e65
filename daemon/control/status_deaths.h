/* SPDX-License-Identifier: MIT */
/* Master. The last deaths of a service in the status. */
#ifndef PREFORKD_CONTROL_STATUS_DEATHS_H
#define PREFORKD_CONTROL_STATUS_DEATHS_H

#include <jansson.h>

struct deaths;

/* The newest first; the caller owns it. An empty list if DEATHS is NULL. */
json_t *status_deaths_json(const struct deaths *deaths);

#endif
