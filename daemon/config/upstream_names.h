/* SPDX-License-Identifier: MIT */
/* For a person who checks a configuration: can the names of upstreams be looked up now? */
#ifndef PREFORKD_CONFIG_UPSTREAM_NAMES_H
#define PREFORKD_CONFIG_UPSTREAM_NAMES_H

struct config;
struct problems;

/* Adds a warning for each that cannot to *problems, which may be NULL and is made then. May block, as the resolver
 * does. */
void upstream_names_check(const struct config *config, struct problems **problems);

#endif
