/* SPDX-License-Identifier: MIT */
/*
 * Tells where the host gives less than the configuration asks for: at the start, after a reload,
 * and for --check=host. Never delays or fails anything.
 */
#ifndef PREFORKD_CHANGE_HOST_LIMITS_H
#define PREFORKD_CHANGE_HOST_LIMITS_H

#include <jansson.h>

#include "base/limits.h"

struct config;
struct fleet;
struct problems;
struct unit_query;

struct host_limits {
	const struct fleet *fleet;
	struct limits unit;	  /* what the service manager has answered */
	struct unit_query *query; /* a question that it has not answered yet; NULL: none */
};

/* The warnings about CONFIG, a new list of strings; and what writes such a list to the log. */
json_t *host_limits_warnings(const struct host_limits *host, const struct config *config);
void host_limits_tell(const json_t *warnings);

/* Asks the service manager for what only it knows. The first answer is compared, and told, when it
 * comes; later ones count from the next host_limits_warnings() on. */
void host_limits_ask(struct host_limits *host);
void host_limits_forget(struct host_limits *host);

/* For a daemon that is not running: of the unit that CONFIG is meant for, if there is one, else of this process. Adds
 * to *problems. */
void host_limits_check(const struct config *config, struct problems **problems);

#endif
