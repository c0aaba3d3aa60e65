/* SPDX-License-Identifier: MIT */
/*
 * The options of a listener. Linux hands them down to every connection that is accepted from it
 * (tcp(7), socket(7)), so they are set once and cost nothing per client.
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
	bool v6only;		/* of [V6]:PORT addresses; *:PORT is always both */
	int64_t rcvbuf, sndbuf; /* bytes; 0: the kernel's choice */
	int64_t user_timeout;	/* ms; 0: the kernel's choice */
	bool freebind;
	char *device; /* SO_BINDTODEVICE; NULL: none */
	mode_t mode;  /* of a unix socket's path */
	uid_t owner;  /* (uid_t)-1: as created */
	gid_t group;  /* (gid_t)-1: as created */
};

/* Those that must be set before bind(2). FAMILY is the socket's. */
int socket_options_before_bind(int fd, int family, const struct socket_options *options, struct err *err);

/* The others; also for a socket that somebody else has bound. */
int socket_options_set(int fd, int family, const struct socket_options *options, struct err *err);

/* A TCP connection that we have made: what those that a listener with OPTIONS accepts get from it. */
void socket_options_connected(int fd, const struct socket_options *options);

/*
 * Gives a living listener, which has the options FROM, the options TO; its connections from then on
 * have them, too. All but v6only (for a new socket only) and what is of a unix socket's path
 * (listen_path_apply()). A failure may leave some changed: the way back is the same call with FROM
 * and TO swapped.
 */
int socket_options_change(int fd, int family, const struct socket_options *from, const struct socket_options *to,
			  struct err *err);

/*
 * Does the kernel take OPTIONS from us, for a new socket (FROM is NULL) or for one that has FROM?
 * Tried on a socket that is thrown away: nothing is bound, nothing changes.
 */
int socket_options_try(int family, const struct socket_options *from, const struct socket_options *options,
		       struct err *err);

#endif
