/* SPDX-License-Identifier: MIT */
#include "config/obstacle.h"

#include <sys/stat.h>

#include "base/err.h"
#include "config/config.h"
#include "config/identity.h"

static int find_address(const struct addr *addr, struct err *err)
{
	struct sockaddr_any first;

	return addr_resolve(addr, &first, 1, err) < 0 ? -1 : 0;
}

static int find_identity(const struct identity *who, struct err *err)
{
	uid_t uid;
	gid_t gid;

	if (identity_uid(who->user, &uid, err) < 0)
		return -1;
	return who->group != NULL ? identity_gid(who->group, &gid, err) : 0;
}

int obstacle_find(const struct config_service *service, struct err *err)
{
	struct stat st;

	for (size_t i = 0; i < service->n_listen; i++)
		if (find_address(&service->listen[i], err) < 0)
			return -1;
	if (service->command != NULL && stat(service->command[0], &st) < 0)
		return err_sys(err, "\"%.256s\"", service->command[0]);
	return service->identity.pending ? find_identity(&service->identity, err) : 0;
}
