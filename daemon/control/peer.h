/* SPDX-License-Identifier: MIT */
/* Who is at the other end of the control socket, and what he may do (SO_PEERCRED, SO_PEERGROUPS; unix(7)). */
#ifndef PREFORKD_CONTROL_PEER_H
#define PREFORKD_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct config_control;

struct control_peer {
	uid_t uid;
	pid_t pid;	 /* 0: not visible from here */
	bool may_change; /* root, our own uid, a member of control.group */
};

/* Of a connection that was just accepted. Whoever cannot be told apart may do nothing. */
void control_peer_get(int fd, const struct config_control *config, struct control_peer *out);

#endif
