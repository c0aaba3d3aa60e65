/* SPDX-License-Identifier: MIT */
/* --check=host. Whether the daemon of the unit can make a unix socket at a path. */
#ifndef PREFORKD_CHANGE_HOST_PATHS_H
#define PREFORKD_CHANGE_HOST_PATHS_H

#include "change/host_report.h"

/* WEIGHT: of a path at which no socket can be made. */
void host_paths_judge(struct host_report *report, enum host_weight weight, const struct host_place *place,
		      const char *path);

#endif
