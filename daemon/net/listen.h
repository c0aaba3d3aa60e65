/* SPDX-License-Identifier: MIT */
/*
 * A socket that clients come to: bind, listen, its queue. The caller owns the descriptor. One for datagrams has no
 * connections and no backlog: it takes what comes from the moment it is bound.
 */
#ifndef PREFORKD_NET_LISTEN_H
#define PREFORKD_NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct sockaddr_any;
struct socket_options;

/* A unix socket's path as we made it: what is there later may be somebody else's. */
struct listen_path {
	dev_t dev;
	ino_t ino; /* 0: no path of ours */
};

/*
 * A bound socket of TYPE (SOCK_STREAM or SOCK_DGRAM), close-on-exec, blocking, not yet listening; -1 and *err otherwise
 * (err->code is EADDRINUSE when somebody else has the address). DUAL makes [::]:PORT take IPv4 as
 * well, whatever net.ipv6.bindv6only says, and falls back to 0.0.0.0:PORT where the host has no
 * IPv6. A unix socket left behind by a dead process is replaced; one that is listened on is not.
 */
int listen_bind(const struct sockaddr_any *addr, int type, bool dual, const struct socket_options *options,
		struct listen_path *path_out, struct err *err);

/* listen(2), which may be called again on a living socket. *got_out is the backlog in force
 * (net.core.somaxconn clamps it without a word), or BACKLOG where the kernel does not tell. Of datagrams: nothing to
 * do, 0. */
int listen_start(int fd, int64_t backlog, int64_t *got_out, struct err *err);

/* Clients are waiting to be accepted, or datagrams to be received. */
bool listen_pending(int fd);

/*
 * Gives the path of a living unix socket, which listen_bind() made, the mode and the owner of
 * OPTIONS; an owner that is not set is the one that a new socket would have. ESTALE: the path is
 * gone, or somebody else's by now.
 */
int listen_path_apply(const struct sockaddr_any *addr, const struct listen_path *path,
		      const struct socket_options *options, struct err *err);

/* The path of a listener that somebody has kept for us: *out is its mark if ADDR's path still leads to FD, or if there
 * is no path to lose (abstract, TCP). -1: clients would not get there any more. */
int listen_path_find(int fd, const struct sockaddr_any *addr, struct listen_path *out);

/* Removes the path of a unix socket if it is still the one that listen_bind() made. */
void listen_unlink(const struct sockaddr_any *addr, const struct listen_path *path);

#endif
