/* SPDX-License-Identifier: MIT */
/*
 * Master, and a child of it. A configuration that the child has read, in memory that both have at the same address
 * (base/region.h). Pointers into this program hold in both, because the child was forked; what the child has loaded
 * or allocated elsewhere does not. Modules are such: the master loads them again.
 */
#ifndef PREFORKD_CONFIG_GIVEN_H
#define PREFORKD_CONFIG_GIVEN_H

#include "base/region.h"

struct config;
struct config_source;
struct err;
struct problems;

struct given {
	struct config *config; /* NULL: there was an error */
	struct problems *problems;
};

/* Child: reads the configuration of SOURCE into REGION. -1 and *err: the master cannot get it. Out of memory ends the
 * process. */
int given_fill(const struct config_source *source, const struct region *region, struct err *err);

/* Master: takes REGION, which is the configuration's from then on and which config_free() frees. The result lies in it;
 * if its config is NULL, the caller frees the region. NULL and *err: it makes no sense, or no resources; the region is
 * freed. */
const struct given *given_take(struct region *region, struct err *err);

/* Master: loads the modules of CONFIG, with the contents that the child has tried, and calls their init(). -1 and *err.
 * Never blocks, unless a module's init() does. */
int given_load_modules(struct config *config, struct err *err);

#endif
