/* SPDX-License-Identifier: MIT */
#include "config/way_check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path_access.h"
#include "config/checker.h"
#include "config/values.h"

void way_check(const struct checker *checker, const struct service_values *values, const struct value_source *source,
	       const char *path)
{
	const struct identity *who = &values->service.identity;
	char name[80];
	const struct path_user user = {
		.name = name,
		.uid = who->uid,
		.gid = who->gid,
		.groups = who->groups,
		.n_groups = who->n_groups,
		.may_override = who->uid == 0,
	};
	struct err err;

	(void)snprintf(name, sizeof(name), "the user %.64s", who->user);
	switch (path_access(path, X_OK, &user, NULL, &err)) {
	case PATH_NO:
		checker_error(checker, values, source, "\"%.256s\": %s", path, err.text);
		break;
	case PATH_UNKNOWN:
		checker_warning(checker, values, source, "\"%.256s\": %s", path, err.text);
		break;
	case PATH_YES:
		break;
	}
}
