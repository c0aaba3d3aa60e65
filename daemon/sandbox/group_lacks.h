/* SPDX-License-Identifier: MIT */
/* Master. Which limits of a service need a control group that the daemon does not have (walls.h). */
#ifndef PREFORKD_SANDBOX_GROUP_LACKS_H
#define PREFORKD_SANDBOX_GROUP_LACKS_H

#include <stdbool.h>

struct config_service;
struct err;

/* The master has looked. MISSING: why programs have no groups, a text that stays; NULL: they have, and MEMORY and TASKS
 * say what can be limited. Before this call nothing is known, and nothing is reported as lacking. */
void group_lacks_set(const char *missing, bool memory, bool tasks);

/* There are groups, so a worker whose programs are to be limited needs one. */
bool group_lacks_nothing(const struct config_service *service);

/* limits.memory, limits.tasks; see struct wall in walls.c. */
int group_lacks_memory(const struct config_service *service, struct err *err);
int group_lacks_tasks(const struct config_service *service, struct err *err);

#endif
