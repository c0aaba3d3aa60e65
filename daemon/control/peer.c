/* SPDX-License-Identifier: MIT */
#include "control/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"

#define GROUPS_MAX 1024 /* of one client; a client with more groups counts as a member of its primary one alone */

static bool is_in_group(int fd, gid_t own, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (wanted == (gid_t)-1)
		return false;
	if (own == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

void control_peer_get(int fd, const struct config_control *config, struct control_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*out = (struct control_peer){.uid = (uid_t)-1};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	out->uid = cred.uid;
	out->pid = cred.pid;
	out->may_change = cred.uid == 0 || cred.uid == geteuid() || is_in_group(fd, cred.gid, config->group);
}
