/* SPDX-License-Identifier: MIT */
/*
 * The other side of sd_notify(3): a datagram socket for each pool of programs, through which they say READY=1,
 * STATUS=, WATCHDOG=1. Its name is abstract, so there is no path to be cleaned up, and a program in a chroot reaches
 * it; that anybody on this host can send there does not matter, for the kernel says who did: only a program of the
 * pool, and the processes that it has started, are heard.
 */
#ifndef PREFORKD_POOL_PROGRAM_NOTIFY_H
#define PREFORKD_POOL_PROGRAM_NOTIFY_H

#include <systemd/sd-event.h>

struct err;
struct pool;

#define NOTIFY_NAME_MAX 64

struct notify_server {
	int fd;			    /* -1: none */
	char name[NOTIFY_NAME_MAX]; /* for NOTIFY_SOCKET: "@..." */
	sd_event_source *source;
};

/* A new socket for POOL. */
int notify_server_open(struct pool *pool, struct err *err);

/* One that another image of this program had; FD -1: none. */
void notify_server_adopt(struct pool *pool, int fd, const char *name);

void notify_server_close(struct pool *pool);

#endif
