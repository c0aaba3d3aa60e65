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
int socket_options_before_bind(int fd, int family, const struct socket_options *options,
			       struct err *err);

/* The others; also for a socket that somebody else has bound. */
int socket_options_set(int fd, int family, const struct socket_options *options, struct err *err);

#endif
