/* SPDX-License-Identifier: MIT */
/*
 * The service manager's fd store (sd_pid_notify_with_fds(3)): it keeps a copy of each listener that we have bound, so
 * that a restart, a crash, and a watchdog's kill refuse nobody: clients wait in the queue. Where there is no
 * service manager all of this does nothing.
 */
#ifndef PREFORKD_LISTENERS_FD_STORE_H
#define PREFORKD_LISTENERS_FD_STORE_H

struct listener;

/* Keeps it, under a name made of SERVICE and a number that no other has. Not for one that somebody else has bound. */
void fd_store_keep(struct listener *listener, const char *service);

/* It is to go, and not to come back. */
void fd_store_drop(struct listener *listener);

/* The same for one that nobody wants any more. */
void fd_store_forget(const char *name);

/* NAME came from the store, or from another image of this program: its number is taken. */
void fd_store_seen(const char *name);

#endif
