/* SPDX-License-Identifier: MIT */
#include "listeners/listener_blame.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "listeners/listener.h"
#include "net/address_holder.h"
#include "net/socket_options.h"

#define SEARCH_MS 50

static bool take_first(pid_t pid, void *userdata)
{
	*(pid_t *)userdata = pid;
	return false;
}

void listener_blame_holder(const struct listener_key *key, const struct socket_options *options, struct err *err)
{
	const struct address_asked asked = {
		.addr = &key->asked,
		.datagram = key->datagram,
		.v6only = key->v6only,
		.device = options->device != NULL ? if_nametoindex(options->device) : 0,
	};
	struct address_holder holder;
	size_t used = strlen(err->text);
	char who[64];
	pid_t pid = 0;

	if (!address_holder_find(&asked, &holder))
		return;
	address_holder_processes(holder.inode, clock_ms() + SEARCH_MS, take_first, &pid);
	if (pid != 0)
		address_holder_name(pid, who, sizeof(who));
	else if (holder.uid != (uid_t)-1)
		(void)snprintf(who, sizeof(who), "a process of the user %u", (unsigned)holder.uid);
	else
		return;
	(void)snprintf(err->text + used, sizeof(err->text) - used, " by %s%s", who,
		       pid == 1 ? ", which holds it for a socket unit" : "");
}

void listener_blame_place(const struct config_service *service, size_t index, struct err *err)
{
	const struct origin *origin = &service->listen_origin[index];
	char place[256] = "", text[sizeof(err->text)];

	if (origin->file != NULL)
		(void)snprintf(place, sizeof(place), " (%.200s:%d)", origin->file, origin->line);
	else if (origin->line < 0)
		(void)snprintf(place, sizeof(place), " (-o)");
	(void)snprintf(text, sizeof(text), "%s", err->text);
	(void)snprintf(err->text, sizeof(err->text), "listen%s: %.*s", place, (int)(sizeof(text) - sizeof(place) - 16),
		       text);
}
