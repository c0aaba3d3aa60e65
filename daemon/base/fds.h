/* SPDX-License-Identifier: MIT */
/* Any process. Rules for descriptors: -1 means none, closing sets -1, every descriptor is close-on-exec. */
#ifndef PREFORKD_BASE_FDS_H
#define PREFORKD_BASE_FDS_H

#include <stdbool.h>
#include <stddef.h>

struct cmsghdr;
struct err;

/* Closes *fd if it is not -1, and sets it to -1; keeps errno. */
void fd_close(int *fd);

/* Moves FD to a number above 2, close-on-exec. Returns the new number, or -1; FD itself is closed if it is moved or if
 * that fails. A negative FD is an error, too. */
int fd_above_stdio(int fd, struct err *err);

/* Opens /dev/null on those of 0, 1 and 2 that are closed, so that no socket gets such a number. Call before anything
 * else is opened. */
int fds_fill_stdio(struct err *err);

/* Puts /dev/null on FD (one of 0, 1, 2). */
int fd_null(int fd, struct err *err);

/*
 * Closes every descriptor from 3 up except those in KEEP, which is sorted in place; entries of -1 are skipped. Called
 * right after fork(2), so that a worker holds only the descriptors that it needs. -1 and errno: some may be open still,
 * and the process must not go on.
 */
int fds_close_except(int *keep, size_t n);

/* The same for every descriptor from FIRST up. Async-signal-safe, also in a child that shares its parent's memory. */
int fds_close_from(int first);

/* Closes the descriptors that a peer sent along with a message (SCM_RIGHTS), if CMSG has any. */
void fds_close_received(const struct cmsghdr *cmsg);

/*
 * A peer can send us the last copy of a socket with SO_LINGER (SCM_RIGHTS); when the kernel drops it with its message,
 * the close blocks. While ON, SIGALRM (which must be harmless) comes each millisecond and interrupts that wait.
 */
void fds_drop_quickly(bool on);

/* A new descriptor that is no socket, close-on-exec: dup2(2) of it over a listener ends a wait in accept(2). */
int fd_dead(struct err *err);

#endif
