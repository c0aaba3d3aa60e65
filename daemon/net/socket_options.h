/* SPDX-License-Identifier: MIT */
/*
 * Master; workers for connections to an upstream. The options of a listener. Every connection that is accepted inherits
 * them (tcp(7), socket(7)), so they are set once and cost nothing for each client.
 */
#ifndef PREFORKD_NET_SOCKET_OPTIONS_H
#define PREFORKD_NET_SOCKET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct socket_options {
	bool nodelay;
	int64_t keepalive;    /* ms of silence before the first probe; 0: off */
	int64_t defer_accept; /* ms; 0: off */
	bool reuse_port;
	bool v6only;		/* for [V6]:PORT addresses; *:PORT always takes both families */
	int64_t rcvbuf, sndbuf; /* bytes; 0: the kernel's choice */
	int64_t user_timeout;	/* ms; 0: the kernel's choice */
	bool freebind;
	char *device; /* SO_BINDTODEVICE; NULL: none */
	mode_t mode;  /* of the file of a unix socket */
	uid_t owner;  /* (uid_t)-1: as created */
	gid_t group;  /* (gid_t)-1: as created */
};

/* Sets the options that must be set before bind(2). FAMILY is the family of FD. */
int socket_options_before_bind(int fd, int family, const struct socket_options *options, struct err *err);

/* Sets the others; also on a socket that another process has bound. */
int socket_options_set(int fd, int family, const struct socket_options *options, struct err *err);

/* For a TCP connection that we have made: the options that a listener with OPTIONS hands down to its connections. */
void socket_options_connected(int fd, const struct socket_options *options);

/*
 * Changes the options of a listener from FROM to TO; later connections inherit them. Not v6only (new sockets only), and
 * not the file of a unix socket (listen_path_apply()). After a failure some may be changed: undo them by the same call
 * with FROM and TO swapped.
 */
int socket_options_change(int fd, int family, const struct socket_options *from, const struct socket_options *to,
			  struct err *err);

/*
 * Checks that the kernel accepts OPTIONS from this process, for a new socket (FROM is NULL) or for one with FROM. It
 * tries them on a temporary socket, which is not bound.
 */
int socket_options_try(int family, const struct socket_options *from, const struct socket_options *options,
		       struct err *err);

#endif
