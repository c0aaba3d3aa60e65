/* SPDX-License-Identifier: MIT */
/* Master. Who a client of the control socket is, and what it may do (SO_PEERCRED, SO_PEERGROUPS; unix(7)). */
#ifndef PREFORKD_CONTROL_PEER_H
#define PREFORKD_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct config_control;

struct control_peer {
	uid_t uid;
	pid_t pid;	 /* 0: not visible in our namespace */
	bool may_change; /* it is root, has our own uid, or is a member of control.group */
};

/* FD is a connection that was just accepted. A client whose identity is not known may do nothing. */
void control_peer_get(int fd, const struct config_control *config, struct control_peer *out);

#endif
