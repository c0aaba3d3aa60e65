/* SPDX-License-Identifier: MIT */
/*
 * Any process. Questions to the kernel about sockets (sock_diag(7)). Owns one netlink socket for the process, which is
 * opened at the first question, close-on-exec, and kept, because opening costs more than asking. A child opens its own:
 * a worker closes its parent's descriptors right after fork(2), and the number may belong to another file.
 */
#ifndef PREFORKD_NET_DIAG_H
#define PREFORKD_NET_DIAG_H

#include <stdbool.h>
#include <stddef.h>

struct nlmsghdr;

/* Takes one answer; false: no more answers are wanted. */
typedef bool diag_take(const struct nlmsghdr *answer, void *arg);

/* Opens that socket now: this process is about to lose the network whose sockets it may ask about. */
void diag_prepare(void);

/*
 * Asks QUESTION (struct unix_diag_req, inet_diag_req_v2 ...) about one socket or, with ALL, about all that match, and
 * passes every answer to TAKE. Never blocks. -1 with errno: the kernel does not answer; ENOENT: no such socket, or the
 * kernel lacks the module.
 */
int diag_ask(const void *question, size_t len, bool all, diag_take *take, void *arg);

#endif
