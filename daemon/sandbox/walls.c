/* SPDX-License-Identifier: MIT */
#include "sandbox/walls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/config.h"
#include "sandbox/capabilities.h"
#include "sandbox/filters.h"
#include "sandbox/group_lacks.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/system_calls.h"

/*
 * find_lack(): 0: workers of SERVICE can have the wall, or SERVICE does not ask for it. -1 and *err: what is lacking.
 * It leaves the process as it is: what can only be tried by doing it is tried in a child. It is called for each service
 * at the start and at each reload, so an answer that cannot change while the process lives is remembered.
 * prepare(): makes what workers of SERVICE inherit. A failure is a lack.
 */
struct wall {
	const char *key; /* a row of the service */
	int (*find_lack)(const struct config_service *service, struct err *err);
	int (*prepare)(const struct config_service *service, struct err *err); /* NULL: nothing is inherited */
};

static const struct wall walls[] = {
	{"limits.memory", group_lacks_memory, NULL},
	{"limits.tasks", group_lacks_tasks, NULL},
	{"sandbox.level", system_calls_find_lack, filters_prepare},
	{"sandbox.capabilities", capabilities_find_lack, NULL},
	{"sandbox.read", landlock_lacks_read, NULL},
	{"sandbox.write", landlock_lacks_write, NULL},
	{"sandbox.execute", landlock_lacks_execute, NULL},
	{"sandbox.tcp_connect", landlock_lacks_tcp_connect, NULL},
	{"sandbox.tcp_bind", landlock_lacks_tcp_bind, NULL},
	{"sandbox.private_tmp", namespaces_lack_private_tmp, NULL},
	{"sandbox.private_network", namespaces_lack_private_network, NULL},
	{"sandbox.private_pids", namespaces_lack_private_pids, NULL},
	{"sandbox.read_only", namespaces_lack_read_only, NULL},
};

#define N_WALLS (sizeof(walls) / sizeof(walls[0]))

void walls_find_lacks(const struct config_service *service, walls_report *report, void *userdata)
{
	struct err err;

	for (size_t i = 0; i < N_WALLS; i++) {
		if (walls[i].find_lack(service, &err) < 0)
			report(walls[i].key, err.text, userdata);
	}
}

/* SERVICE requires its walls, and cannot have this one; *WHY says why. */
static bool is_lacking(const struct config_service *service, size_t i, struct err *why)
{
	bool lacks = walls[i].prepare != NULL && walls[i].prepare(service, why) < 0;

	return service->sandbox.required && (lacks || walls[i].find_lack(service, why) < 0);
}

int walls_demand(const struct config_service *service, struct err *err)
{
	char others[128] = "";
	size_t first = N_WALLS, used = 0;
	struct err why, what = {0};

	for (size_t i = 0; i < N_WALLS; i++) {
		if (!is_lacking(service, i, &why))
			continue;
		if (first == N_WALLS) {
			first = i;
			what = why;
		} else if (used < sizeof(others)) {
			used += (size_t)snprintf(others + used, sizeof(others) - used, "%s %s",
						 used == 0 ? "; also" : ",", walls[i].key);
		}
	}
	if (first == N_WALLS)
		return 0;
	return err_set(err, "%s: %.250s (sandbox.required)%s", walls[first].key, what.text, others);
}
