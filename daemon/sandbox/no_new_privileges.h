/* SPDX-License-Identifier: MIT */
/* Worker. Which privileges the process, and what it executes, can gain. */
#ifndef PREFORKD_SANDBOX_NO_NEW_PRIVILEGES_H
#define PREFORKD_SANDBOX_NO_NEW_PRIVILEGES_H

struct err;
struct sandbox;

/* Workers of built-in services and modules get no_new_privs; programs do not, because they may need sudo(8) and the
 * like. All shut their memory to others of the same user (base/dumpable.h). */
int no_new_privileges_set(struct sandbox *sandbox, struct err *err);

#endif
