/* SPDX-License-Identifier: MIT */
/* Worker. A user namespace: it gives a process that has no rights the rights over namespaces of its own. */
#ifndef PREFORKD_SANDBOX_USER_NAMESPACE_H
#define PREFORKD_SANDBOX_USER_NAMESPACE_H

#include <stdbool.h>

struct err;

/* This process needs a user namespace before it can make other namespaces: it lacks CAP_SYS_ADMIN. */
bool user_namespace_is_needed(void);

/*
 * Enters a new user namespace, in which the process has all capabilities, and in which its user and its group are the
 * same numbers as before. All other users are one unknown user there, so there is no way to change the user any more.
 * To be called after the change of user. 0, or -1 and *err.
 */
int user_namespace_enter(struct err *err);

#endif
