/* SPDX-License-Identifier: MIT */
/* Worker. The capabilities that are left when the process serves. */
#ifndef PREFORKD_SANDBOX_CAPABILITIES_H
#define PREFORKD_SANDBOX_CAPABILITIES_H

struct err;
struct sandbox;

/*
 * Gives up all capabilities. A process without a capability that the master has cannot write the master's memory,
 * whoever its user is. A service of root that runs programs keeps root's capabilities: its worker ends programs that
 * have become other users, and under no_new_privs execve(2) would not give them back to the program.
 */
int capabilities_drop(struct sandbox *sandbox, struct err *err);

#endif
