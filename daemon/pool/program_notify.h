/* SPDX-License-Identifier: MIT */
/*
 * Master. The receiving side of sd_notify(3): a datagram socket for each pool of programs, through which they say
 * READY=1, STATUS= and WATCHDOG=1. The name of the socket is abstract: no path is left behind, and a program in a
 * chroot reaches it. Any process of this host can send there, but the kernel names the sender: only programs of the
 * pool, and processes that they have started, are heard. Whoever floods the socket costs the master little: a stranger
 * is known by its user where that is enough, and after a stranger whose ancestors had to be looked up, or AT_ONCE
 * messages, the socket rests.
 */
#ifndef PREFORKD_POOL_PROGRAM_NOTIFY_H
#define PREFORKD_POOL_PROGRAM_NOTIFY_H

#include <stdbool.h>

#include <systemd/sd-event.h>

struct err;
struct pool;

#define PROGRAM_NOTIFY_NAME 64

struct program_notify {
	int fd;				 /* -1: another image's socket that could not be taken over */
	char name[PROGRAM_NOTIFY_NAME];	 /* "@...", for NOTIFY_SOCKET */
	sd_event_source *source, *timer; /* the timer ends a rest (source_rest.h); NULL: there was none */
};

/* Makes pool->notify, with a new socket. -1 and *err: no resources. */
int program_notify_open(struct pool *pool, struct err *err);

/* Makes pool->notify, with the socket FD of another image. FD is taken over, also on an error; -1: there is none. */
int program_notify_adopt(struct pool *pool, int fd, const char *name, struct err *err);

/* POOL, whose own socket is closed, gets that of FORMER. False: FORMER has none that can be read, and nothing was
 * done. */
bool program_notify_move(struct pool *pool, struct pool *former);

/* Hears the programs if it does not yet. The pool's tick repeats it: the kernel may have lacked memory. What was said
 * meanwhile waits in the socket. */
void program_notify_watch(struct pool *pool);

/* Closes and frees pool->notify, which may be NULL. */
void program_notify_close(struct pool *pool);

#endif
