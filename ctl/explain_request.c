/* SPDX-License-Identifier: MIT */
#include "explain_request.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "net/network.h"

#define GROUPS_MOST 4096 /* so many fit into a request (FRAME_REQUEST_MAX) */

static int find_uid(const char *name, uid_t *out, struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return err_set(err, "there is no user \"%.64s\"", name);
	*out = pw->pw_uid;
	return 0;
}

static int find_gid(const char *name, gid_t *out, struct err *err)
{
	const struct group *gr;

	errno = 0;
	gr = getgrnam(name);
	if (gr == NULL)
		return err_set(err, "there is no group \"%.64s\"", name);
	*out = gr->gr_gid;
	return 0;
}

static json_t *list_groups(const gid_t *groups, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		(void)json_array_append_new(list, json_integer((json_int_t)groups[i]));
	return list;
}

/* Adds the groups that a process of this user has after a log-in; a process may have dropped or gained some. */
static json_t *build_user_request(const struct network *network)
{
	const struct passwd *pw = getpwuid(network->uid);
	gid_t groups[GROUPS_MOST], gid = network->gid;
	int n = GROUPS_MOST;
	char text[64];

	if (!network->has_gid && pw == NULL) {
		(void)snprintf(text, sizeof(text), "unix:uid=%u", (unsigned)network->uid);
		return json_pack("{s:s, s:s}", "command", "explain", "address", text);
	}
	if (!network->has_gid)
		gid = pw->pw_gid;
	if (pw == NULL)
		n = 0;
	else if (getgrouplist(pw->pw_name, gid, groups, &n) < 0)
		n = GROUPS_MOST; /* the list is full, and so many are written */
	(void)snprintf(text, sizeof(text), "unix:uid=%u/gid=%u", (unsigned)network->uid, (unsigned)gid);
	return json_pack("{s:s, s:s, s:o}", "command", "explain", "address", text, "groups", list_groups(groups, n));
}

json_t *explain_request(const char *client, const char *service, struct err *err)
{
	static const struct network_names names = {.uid = find_uid, .gid = find_gid};
	struct network network;
	json_t *request;
	char host[256];
	struct err why;

	/* The daemon knows whether there is the interface behind the %. */
	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(client, "%"), client);
	if (network_parse(host, &names, &network, &why) < 0) {
		(void)err_set(err, "%s", why.text);
		return NULL;
	}
	if (network.kind == NETWORK_UNIX && network.has_uid)
		request = build_user_request(&network);
	else
		request = json_pack("{s:s, s:s}", "command", "explain", "address", client);
	if (request == NULL)
		(void)err_set(err, "out of memory");
	else if (service != NULL && json_object_set_new(request, "service", json_string(service)) < 0) {
		json_decref(request);
		request = NULL;
		(void)err_set(err, "the name of a service is UTF-8");
	}
	return request;
}
