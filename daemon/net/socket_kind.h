/* SPDX-License-Identifier: MIT */
/* Any process. What the kernel says of a socket: its type and its family. Nothing here blocks or changes the socket. */
#ifndef PREFORKD_NET_SOCKET_KIND_H
#define PREFORKD_NET_SOCKET_KIND_H

#include <stdbool.h>

/* True for a socket of type SOCK_DGRAM; false for every other type, and if FD is no socket. */
bool socket_kind_is_datagram(int fd);

/* AF_INET, AF_INET6, AF_UNIX ...; -1 with errno if FD is no socket. */
int socket_kind_family(int fd);

#endif
