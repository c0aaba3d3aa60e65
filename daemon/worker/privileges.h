/* SPDX-License-Identifier: MIT */
/* Worker. Gives up the master's privileges for good. */
#ifndef PREFORKD_WORKER_PRIVILEGES_H
#define PREFORKD_WORKER_PRIVILEGES_H

struct config_service;
struct err;

/* Returns SERVICE. If its identity is pending, looks it up, which may block, and returns a copy that has it. NULL and
 * *err: the user data base does not have it. */
const struct config_service *privileges_find(const struct config_service *service, struct err *err);

/*
 * Takes the service's identity, gives up all capabilities, and shuts the memory of this process to others of the same
 * user (base/dumpable.h). A process without a capability that the master has cannot write the master's memory, whoever
 * its user is. Workers of built-in services and modules also get no_new_privs; programs do not, because they may need
 * sudo(8) and the like. A service of root that runs programs keeps root's capabilities: its worker ends programs that
 * have become other users, and under no_new_privs execve(2) would not give them back to the program. 0, or -1 and *err:
 * then the process must exit.
 */
int privileges_drop(const struct config_service *service, struct err *err);

#endif
