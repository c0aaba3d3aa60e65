/* SPDX-License-Identifier: MIT */
/*
 * Questions to the kernel about sockets (sock_diag(7)). One netlink socket for the whole process,
 * opened at the first question, close-on-exec, and kept: opening one costs more than asking. A
 * child does not use its parent's (a worker closes it right after fork(), and the number may be
 * somebody else's by then).
 */
#ifndef PREFORKD_NET_DIAG_H
#define PREFORKD_NET_DIAG_H

#include <stdbool.h>
#include <stddef.h>

struct nlmsghdr;

/* Takes one answer; false: enough. */
typedef bool diag_take(const struct nlmsghdr *answer, void *arg);

/*
 * Asks QUESTION (struct unix_diag_req, inet_diag_req_v2 ...) about one socket, or, with ALL, about
 * all that fit it, and hands every answer to TAKE. Never waits. -1 and errno where the kernel does
 * not tell: ENOENT when there is no such socket, or no such module.
 */
int diag_ask(const void *question, size_t len, bool all, diag_take *take, void *arg);

#endif
