/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. Which capabilities (capabilities(7)) are left. Without a list: none; to programs of root, and to
 * the workers that start and end them, those of the master. A list is for the program; its worker has the same, because
 * only then it may look at its processes in /proc, and CAP_KILL if they can change their user.
 */
#ifndef PREFORKD_SANDBOX_CAPABILITIES_H
#define PREFORKD_SANDBOX_CAPABILITIES_H

struct config_service;
struct err;
struct sandbox;

/* Before the change of user: what no program can get, and what survives the change. */
int capabilities_keep(struct sandbox *sandbox, struct err *err);

/* After it. */
int capabilities_drop(struct sandbox *sandbox, struct err *err);
int capabilities_verify(const struct sandbox *sandbox, struct err *err);

/* For a program: it gets what is in the list only. Async-signal-safe; -1 with errno. */
int capabilities_pass(const struct sandbox *sandbox);

/* walls.c */
int capabilities_find_lack(const struct config_service *service, struct err *err);

#endif
