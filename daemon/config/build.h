/* SPDX-License-Identifier: MIT */
/*
 * Puts raw values where they belong: finds the row of each path, sees that nothing is said twice,
 * and fills the values of the program and of each service, from the service itself, from
 * `defaults`, or from the table. Looks nothing up.
 */
#ifndef PREFORKD_CONFIG_BUILD_H
#define PREFORKD_CONFIG_BUILD_H

struct config_store;
struct problems;
struct raws;

void build_store(const struct raws *raws, struct problems *problems, struct config_store *store);

#endif
