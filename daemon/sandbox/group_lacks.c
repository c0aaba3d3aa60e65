/* SPDX-License-Identifier: MIT */
#include "sandbox/group_lacks.h"

#include <preforkd/module.h>
#include <stddef.h>

#include "base/err.h"
#include "config/config.h"

static struct {
	bool known;
	const char *missing;
	bool memory, tasks;
} groups;

void group_lacks_set(const char *missing, bool memory, bool tasks)
{
	groups.known = true;
	groups.missing = missing;
	groups.memory = memory;
	groups.tasks = tasks;
}

static bool runs_programs(const struct config_service *service)
{
	return service->handler != NULL && (service->handler->flags & PREFORKD_COMMAND) != 0;
}

static int find_lack(const char *controller, bool has, struct err *err)
{
	if (groups.missing != NULL)
		return err_set(err,
			       "programs are not limited, because they have no control group: %.300s. A drop-in of the "
			       "unit with Delegate=yes and ProtectControlGroups=no gives them one",
			       groups.missing);
	if (!has)
		return err_set(
			err,
			"programs are not limited, because the controller \"%s\" is not at work in the daemon's "
			"control group. A drop-in of the unit with Delegate=yes, or Delegate=memory pids, gives it, "
			"where the kernel has it in version 2",
			controller);
	return 0;
}

bool group_lacks_nothing(const struct config_service *service)
{
	struct err err;

	return groups.known && groups.missing == NULL && (service->limits.memory != 0 || service->limits.tasks != 0) &&
	       group_lacks_memory(service, &err) == 0 && group_lacks_tasks(service, &err) == 0;
}

int group_lacks_memory(const struct config_service *service, struct err *err)
{
	if (!groups.known || service->limits.memory == 0 || !runs_programs(service))
		return 0;
	return find_lack("memory", groups.memory, err);
}

int group_lacks_tasks(const struct config_service *service, struct err *err)
{
	if (!groups.known || service->limits.tasks == 0 || !runs_programs(service))
		return 0;
	return find_lack("pids", groups.tasks, err);
}
