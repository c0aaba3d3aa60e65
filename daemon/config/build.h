/* SPDX-License-Identifier: MIT */
/*
 * Any process. From raw values to a store: finds the row of each key, reports unknown keys and keys that are set twice,
 * and fills the values of the program and of each service. A value comes from the service, else from `defaults`, else
 * from the table. Looks up no names.
 */
#ifndef PREFORKD_CONFIG_BUILD_H
#define PREFORKD_CONFIG_BUILD_H

struct config_store;
struct problems;
struct raws;

void build_store(const struct raws *raws, struct problems *problems, struct config_store *store);

#endif
