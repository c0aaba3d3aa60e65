/* SPDX-License-Identifier: MIT */
/* Gives up the master's privileges, for good. */
#ifndef PREFORKD_WORKER_PRIVILEGES_H
#define PREFORKD_WORKER_PRIVILEGES_H

struct err;
struct identity;

/* Becomes WHO: supplementary groups, group, user, in that order, and verifies that there is no way back.
 * Nothing is done where WHO is not set (not started as root). */
int privileges_drop(const struct identity *who, struct err *err);

#endif
