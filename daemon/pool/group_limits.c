/* SPDX-License-Identifier: MIT */
#include "pool/group_limits.h"

#include <errno.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "config/confine.h"

static int write_one(int group, const char *file, int64_t limit, struct err *err)
{
	if (cgroup_write_limit(group, file, limit, err) == 0)
		return 0;
	return err->code == ENOENT ? 0 : -1;
}

int group_limits_write(int group, const struct config_limits *limits, struct err *err)
{
	if (write_one(group, "memory.max", limits->memory, err) < 0)
		return -1;
	return write_one(group, "pids.max", limits->tasks, err);
}

void group_limits_read(int group, struct group_use *out)
{
	char text[512];

	*out = (struct group_use){
		.memory = cgroup_number(group, "memory.current"),
		.memory_max = cgroup_number(group, "memory.max"),
		.tasks = cgroup_number(group, "pids.current"),
		.tasks_max = cgroup_number(group, "pids.max"),
	};
	(void)cgroup_read(group, "memory.events", text, sizeof(text));
	out->oom_kills = cgroup_event(text, "oom_kill");
}
