/* SPDX-License-Identifier: MIT */
#include "net/socket_kind.h"

#include <sys/socket.h>

bool socket_kind_is_datagram(int fd)
{
	int type = SOCK_STREAM;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

int socket_kind_family(int fd)
{
	int family = -1;
	socklen_t len = sizeof(family);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 ? -1 : family;
}
