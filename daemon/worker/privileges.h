/* SPDX-License-Identifier: MIT */
/* Worker. Gives up the master's privileges for good. */
#ifndef PREFORKD_WORKER_PRIVILEGES_H
#define PREFORKD_WORKER_PRIVILEGES_H

struct err;
struct identity;

/* Takes the identity WHO: supplementary groups, group, user, in this order, and verifies that there is no way back.
 * Does nothing if WHO is not set (the daemon was not started as root). 0, or -1 and *err: then the process must exit.
 */
int privileges_drop(const struct identity *who, struct err *err);

#endif
