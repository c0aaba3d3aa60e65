/* SPDX-License-Identifier: MIT */
/*
 * Tells where the host gives less than the configuration asks for: at the start, after a reload,
 * and for --check=host. Never delays or fails anything.
 */
#ifndef PREFORKD_CHANGE_HOST_LIMITS_H
#define PREFORKD_CHANGE_HOST_LIMITS_H

#include <jansson.h>

struct config;
struct master;
struct problems;

/* The warnings about CONFIG, a new list of strings; and what writes such a list to the log. */
json_t *host_warnings(const struct master *master, const struct config *config);
void host_tell(const json_t *warnings);

/* Asks the service manager for what only it knows. The first answer is compared, and told, when it
 * comes; later ones count from the next host_warnings() on. */
void host_ask(struct master *master);
void host_forget(struct master *master);

/* For a daemon that is not running: of the unit that CONFIG is meant for, if there is one, else of this process. Adds
 * to *problems. */
void host_check(const struct config *config, struct problems **problems);

#endif
