/* SPDX-License-Identifier: MIT */
/*
 * Master. A second TCP listener beside an old one: for an option that only a new socket can have (IPV6_V6ONLY), and for
 *an address that overlaps (127.0.0.1:80 becomes *:80). At every moment the address has a listener:
 *
 *	new = listen_beside_bind(old, ...)	to undo: close it, listen_unshare(old, ...)
 *	listen_start(new, ...)			the kernel gives clients to either
 *	listen_steer(new, old, ...)		the kernel gives clients to the new listener
 *
 * After that the old listener is served and closed as in listen_quiesce.h.
 */
#ifndef PREFORKD_NET_LISTEN_BESIDE_H
#define PREFORKD_NET_LISTEN_BESIDE_H

#include <stdbool.h>

struct err;
struct sockaddr_any;
struct socket_options;

/*
 * As listen_bind(), for TCP only. Both sockets get SO_REUSEPORT, which the kernel allows for sockets of the same user.
 * If the kernel chose the port, ADDR must have that port.
 */
int listen_beside_bind(int old_fd, const struct sockaddr_any *addr, bool dual, const struct socket_options *options,
		       struct err *err);

/* Sets SO_REUSEPORT of FD to REUSE_PORT, the value of its configuration. */
void listen_unshare(int fd, bool reuse_port);

/*
 * Steers all new clients to NEW_FD; OLD_FD, at OLD_ADDR, keeps clients in its queue and in a handshake. Cannot be
 * undone. 1: exactly so; 0: by the backlog of OLD_FD only (listen_quiesce()); -1: not at all. Then neither has
 * SO_REUSEPORT, with which the kernel would still distribute clients between the two. If NEW_FD is to have it, the
 * caller calls listen_unshare() after OLD_FD was closed.
 */
int listen_steer(int new_fd, int old_fd, const struct sockaddr_any *old_addr);

#endif
