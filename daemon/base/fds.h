/* SPDX-License-Identifier: MIT */
/* Descriptor discipline: -1 means none, closing sets -1, everything is close-on-exec. */
#ifndef PREFORKD_BASE_FDS_H
#define PREFORKD_BASE_FDS_H

#include <stdbool.h>
#include <stddef.h>

struct cmsghdr;
struct err;

/* Closes *fd if it is open and sets it to -1; errno is kept. */
void fd_close(int *fd);

/* Moves a descriptor above 2, close-on-exec, so that 0 to 2 can be laid anew. Takes FD in any case. */
int fd_above_stdio(int fd, struct err *err);

/* Makes sure that 0, 1 and 2 are open (on /dev/null where they were closed), so that no socket
 * ever lands there. Call before anything is opened. */
int fds_fill_stdio(struct err *err);

/* Puts /dev/null on FD (one of 0, 1, 2). */
int fd_null(int fd, struct err *err);

/* Closes every descriptor from 3 up except those in KEEP (-1 entries are skipped; KEEP is sorted
 * in place). Used right after fork(), so that a worker holds only what it was given. */
void fds_close_except(int *keep, size_t n);

/* Closes those that came along with a message on a unix socket, if CMSG has any: nobody here asks for them. */
void fds_close_received(const struct cmsghdr *cmsg);

/*
 * While this is on, a signal comes every millisecond (SIGALRM, which must be harmless): the last copy of a socket that
 * lingers, which somebody has sent us (SCM_RIGHTS) and the kernel drops with its message, does not hold us up longer.
 */
void fds_drop_quickly(bool on);

/* A descriptor that is no socket, close-on-exec: dup'ed over a listener it ends a wait in accept(2). */
int fd_dead(struct err *err);

#endif
