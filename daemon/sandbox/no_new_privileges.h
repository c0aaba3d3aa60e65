/* SPDX-License-Identifier: MIT */
/* Worker. Which privileges the process, and what it executes, can gain. */
#ifndef PREFORKD_SANDBOX_NO_NEW_PRIVILEGES_H
#define PREFORKD_SANDBOX_NO_NEW_PRIVILEGES_H

struct err;
struct sandbox;

/* Sets no_new_privs as `sandbox.no_new_privileges` says. In any case shuts the memory of the process to others of the
 * same user (base/dumpable.h). */
int no_new_privileges_set(struct sandbox *sandbox, struct err *err);
int no_new_privileges_verify(const struct sandbox *sandbox, struct err *err);

#endif
