/* SPDX-License-Identifier: MIT */
/* Master. The file of a unix socket: who owns it, whether it is still ours, its end. */
#ifndef PREFORKD_NET_LISTEN_PATH_H
#define PREFORKD_NET_LISTEN_PATH_H

#include <sys/types.h>

struct err;
struct sockaddr_any;
struct socket_options;

/* Identifies the file of a unix socket that we made: another process may replace it later. */
struct listen_path {
	dev_t dev;
	ino_t ino; /* 0: we made no file */
};

/*
 * Gives the file of a unix socket that listen_bind() made the mode and the owner of OPTIONS; an owner that is not set
 * becomes that of a new socket. err->code ESTALE: the file is gone, or another process has replaced it.
 */
int listen_path_apply(const struct sockaddr_any *addr, const struct listen_path *path,
		      const struct socket_options *options, struct err *err);

/* 0 and *out if the path of ADDR leads to FD, or if there is no path
 * (abstract, TCP). -1: clients cannot reach FD through the path any more. */
int listen_path_find(int fd, const struct sockaddr_any *addr, struct listen_path *out);

/* Removes the file of a unix socket if it is still the one that listen_bind() made. -1 and errno: it is still there. */
int listen_path_unlink(const struct sockaddr_any *addr, const struct listen_path *path);

#endif
