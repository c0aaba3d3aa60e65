/* SPDX-License-Identifier: MIT */
/* Any process. For --check: can the names of upstreams be resolved now? */
#ifndef PREFORKD_CONFIG_UPSTREAM_NAMES_H
#define PREFORKD_CONFIG_UPSTREAM_NAMES_H

struct config;
struct problems;

/* Adds a warning to *problems for each name that cannot be resolved. *problems may be NULL: a list is made. May block,
 * as the resolver does. */
void upstream_names_check(const struct config *config, struct problems **problems);

#endif
