/* SPDX-License-Identifier: MIT */
/*
 * Master. Finds limits of the host that are lower than the configuration needs, and walls of the sandboxes that the
 * host cannot build, at the start and after a reload. It only warns: it never delays or fails anything.
 */
#ifndef PREFORKD_CHANGE_HOST_LIMITS_H
#define PREFORKD_CHANGE_HOST_LIMITS_H

#include <jansson.h>

#include "base/limits.h"

struct config;
struct fleet;
struct unit_query;

struct host_limits {
	const struct fleet *fleet;
	struct limits unit;	  /* the last answer of the service manager */
	struct unit_query *query; /* a question that the manager has not answered yet; NULL: none */
};

/* Compares CONFIG with the limits and abilities of this process, and of the unit as far as they are known. Returns the
 * warnings: a new list of strings. */
json_t *host_limits_warnings(const struct host_limits *host, const struct config *config);

/* Writes such a list to the log. NULL is allowed. */
void host_limits_tell(const json_t *warnings);

/* Asks the service manager for the limits that only it knows, and does not wait. The first answer is compared with the
 * configuration in force when it comes, and warnings are logged; later ones are used by host_limits_warnings(). */
void host_limits_ask(struct host_limits *host);

/* Drops a question that has no answer yet. */
void host_limits_forget(struct host_limits *host);

#endif
