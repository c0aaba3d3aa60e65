/* SPDX-License-Identifier: MIT */
/* --check=host. Whether the daemon of the unit can make a unix socket at a path. */
#ifndef PREFORKD_CHANGE_HOST_PATHS_H
#define PREFORKD_CHANGE_HOST_PATHS_H

#include "base/path_access.h"
#include "base/unit_view.h"
#include "change/host_report.h"

/* Tells what shows PATH to the unit, although RULE hides it; WRITES: a file is made in the folder PATH. A rule that the
 * administrator has added is his to change. */
void host_paths_lack_view(struct host_report *report, const struct host_place *place, const struct unit_view_rule *rule,
			  const char *path, bool writes);

/* WHO may not do HOW with PATH (path_access()), and only a mode is in the way. */
bool host_paths_overridden(const struct path_user *who, const char *path, int how);

/* WEIGHT: of a path at which no socket can be made. */
void host_paths_judge(struct host_report *report, enum host_weight weight, const struct host_place *place,
		      const char *path);

#endif
