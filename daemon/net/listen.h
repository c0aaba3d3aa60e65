/* SPDX-License-Identifier: MIT */
/*
 * Master; workers ask listen_pending(). Listening sockets: bind, listen, queue. The caller owns the descriptor. A
 * socket for datagrams has no connections and no backlog: it receives from the moment it is bound.
 */
#ifndef PREFORKD_NET_LISTEN_H
#define PREFORKD_NET_LISTEN_H

#include "net/listen_path.h"
#include <stdbool.h>
#include <stdint.h>

struct err;
struct sockaddr_any;
struct socket_options;

/*
 * A bound socket of TYPE (SOCK_STREAM or SOCK_DGRAM), close-on-exec, blocking, not yet listening; -1 and *err on
 * failure (err->code EADDRINUSE: another process has the address). With DUAL [::]:PORT takes IPv4, too, whatever
 * net.ipv6.bindv6only says; on a host without IPv6 it becomes 0.0.0.0:PORT. The file of a unix socket whose process is
 * dead is replaced; if a process listens there it is not.
 */
int listen_bind(const struct sockaddr_any *addr, int type, bool dual, const struct socket_options *options,
		struct listen_path *path_out, struct err *err);

/* listen(2); may be called again on a socket that listens. *got_out is the backlog in force, to which
 * net.core.somaxconn clamps BACKLOG silently. For datagrams it does nothing and *got_out is 0. */
int listen_start(int fd, int64_t backlog, int64_t *got_out, struct err *err);

/* True if a client waits to be accepted, or a datagram to be received. Does not block. */
bool listen_pending(int fd);

#endif
