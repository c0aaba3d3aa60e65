/* SPDX-License-Identifier: MIT */
/* Worker. The user and the groups of the service, in place of the master's. */
#ifndef PREFORKD_SANDBOX_USER_H
#define PREFORKD_SANDBOX_USER_H

struct config_service;
struct err;
struct sandbox;

/* sandbox_find_user() */
const struct config_service *user_find(const struct config_service *service, struct err *err);

/* Supplementary groups, group, user, in this order. Does nothing if the service has no identity (the daemon was not
 * started as root). */
int user_take(struct sandbox *sandbox, struct err *err);

/* There is no way back. */
int user_verify(const struct sandbox *sandbox, struct err *err);

#endif
