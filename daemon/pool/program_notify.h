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

#define PROGRAM_NOTIFY_NAME 64

struct program_notify {
	int fd;				/* -1: none */
	char name[PROGRAM_NOTIFY_NAME]; /* for NOTIFY_SOCKET: "@..." */
	sd_event_source *source;
};

/* A new socket for POOL. */
int program_notify_open(struct pool *pool, struct err *err);

/* One that another image of this program had; FD -1: none. */
void program_notify_adopt(struct pool *pool, int fd, const char *name);

void program_notify_close(struct pool *pool);

#endif
