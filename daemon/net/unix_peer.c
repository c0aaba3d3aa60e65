/* SPDX-License-Identifier: MIT */
#include "net/unix_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

int unix_peer_grow(struct unix_peer *peer, size_t n)
{
	gid_t *groups;

	if (n <= peer->room)
		return 0;
	groups = reallocarray(peer->groups, n, sizeof(*groups));
	if (groups == NULL)
		return -1;
	peer->groups = groups;
	peer->room = n;
	return 0;
}

void unix_peer_clear(struct unix_peer *peer)
{
	free(peer->groups);
	*peer = (struct unix_peer){.uid = (uid_t)-1, .gid = (gid_t)-1};
}

/* The kernel gives all groups or none; if the room is too small, ERANGE and the size that is needed. */
static int get_groups(int fd, struct unix_peer *peer)
{
	socklen_t len = (socklen_t)(peer->room * sizeof(gid_t));
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len);

	if (rc < 0 && errno == ERANGE) {
		if (unix_peer_grow(peer, len / sizeof(gid_t)) < 0)
			return -1;
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len);
	}
	if (rc == 0)
		peer->n_groups = len / sizeof(gid_t);
	return rc;
}

int unix_peer_get(int fd, struct unix_peer *peer)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);

	peer->uid = (uid_t)-1;
	peer->gid = (gid_t)-1;
	peer->n_groups = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -1;
	if (len < sizeof(cred) || cred.uid == (uid_t)-1) { /* not a unix socket, or not connected */
		errno = ENODATA;
		return -1;
	}
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	return get_groups(fd, peer);
}
