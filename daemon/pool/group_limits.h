/* SPDX-License-Identifier: MIT */
/* Master. The memory and tasks that the programs of a service may use together, and those that they use. The control
 * group is a descriptor. */
#ifndef PREFORKD_POOL_GROUP_LIMITS_H
#define PREFORKD_POOL_GROUP_LIMITS_H

#include <stdint.h>

struct config_limits;
struct err;

struct group_use {		    /* -1: the kernel does not count it; of a maximum: there is none, too */
	int64_t memory, memory_max; /* bytes */
	int64_t tasks, tasks_max;   /* processes and threads */
	int64_t oom_kills;	    /* processes that were killed for want of memory */
};

/* Writes limits.memory and limits.tasks. -1 and *err; where the kernel cannot limit one of them, which is told
 * elsewhere (sandbox/group_lacks.h), that is no failure. */
int group_limits_write(int group, const struct config_limits *limits, struct err *err);

void group_limits_read(int group, struct group_use *out);

#endif
