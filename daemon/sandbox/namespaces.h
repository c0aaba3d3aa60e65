/* SPDX-License-Identifier: MIT */
/*
 * Worker. The namespaces of a process: which files, which network and which processes it can see. They are made with
 * the rights of the master if it has CAP_SYS_ADMIN, and otherwise with those that a user namespace gives.
 */
#ifndef PREFORKD_SANDBOX_NAMESPACES_H
#define PREFORKD_SANDBOX_NAMESPACES_H

#include <stdbool.h>

struct config_service;
struct err;
struct sandbox;

/* Chooses which of those that the service asks for the process gets: all that this host has. -1 and *err: it
 * lacks one, and sandbox.required is true. To be called first: it finds out by a trial if the master did not. */
int namespaces_choose(struct sandbox *sandbox, struct err *err);

/* Makes them: the first one is called before the change of user, the second one after it. Only one of them
 * does something. */
int namespaces_with_rights(struct sandbox *sandbox, struct err *err);
int namespaces_without_rights(struct sandbox *sandbox, struct err *err);

/* After namespaces_with_rights(): there is something that only namespaces_without_rights() makes. */
bool namespaces_are_late(const struct sandbox *sandbox);

/* After both: /tmp and /var/tmp are those of sandbox.private_tmp. */
bool namespaces_have_private_tmp(const struct sandbox *sandbox);

/* Workers of SERVICE make a user namespace for what they get. May try it in a child. */
bool namespaces_need_user_namespace(const struct config_service *service);

/*
 * For sandbox/walls.c. 0: workers of SERVICE can have it, or SERVICE does not ask for it. -1 and *err: what is lacking,
 * and what the consequence is. The first call for a key tries it in a child, and the answer is remembered while this
 * process and its children live.
 */
int namespaces_lack_private_tmp(const struct config_service *service, struct err *err);
int namespaces_lack_private_network(const struct config_service *service, struct err *err);
int namespaces_lack_private_pids(const struct config_service *service, struct err *err);
int namespaces_lack_read_only(const struct config_service *service, struct err *err);

#endif
