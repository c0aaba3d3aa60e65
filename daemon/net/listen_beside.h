/* SPDX-License-Identifier: MIT */
/*
 * A second listener where an old one still is: for what only a new socket can have (IPV6_V6ONLY),
 * and for an address that overlaps (127.0.0.1:80 becomes *:80). No client meets an address without
 * a listener. For TCP:
 *
 *	new = listen_beside_bind(old, ...)	the way back: close it, listen_unshare(old, ...)
 *	listen_start(new, ...)			clients come to either
 *	listen_steer(new, old, ...)		clients come to the new one
 *
 * Then the old one is served and closed as quiesce.h has it.
 */
#ifndef PREFORKD_NET_LISTEN_BESIDE_H
#define PREFORKD_NET_LISTEN_BESIDE_H

#include <stdbool.h>

struct err;
struct sockaddr_any;
struct socket_options;

/*
 * As listen_bind(), for TCP. Both get SO_REUSEPORT, which the kernel allows to sockets of the same
 * user. A port that the kernel chose must be in ADDR.
 */
int listen_beside_bind(int old_fd, const struct sockaddr_any *addr, bool dual, const struct socket_options *options,
		       struct err *err);

/* Sets SO_REUSEPORT of FD as its configuration has it. */
void listen_unshare(int fd, bool reuse_port);

/*
 * Brings all new clients to NEW_FD; OLD_FD, at OLD_ADDR, keeps those who are queued, and whose
 * handshake is under way. There is no way back. 1: exactly that; 0: by the backlog of the old one;
 * -1: not at all. Neither has SO_REUSEPORT then, which for the old one is for good: with it, the
 * kernel would still deal clients out between two sockets of one address. Who wants it for the new
 * one, calls listen_unshare() when the old one is closed.
 */
int listen_steer(int new_fd, int old_fd, const struct sockaddr_any *old_addr);

#endif
