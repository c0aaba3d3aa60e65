/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. The walls of sandbox.read, write, execute, tcp_connect and tcp_bind, made by Landlock. The rules
 * are gathered once for each worker. A program is put behind them just before its execve(2), so that its worker can
 * still look at its processes in /proc; a worker that runs no program is put behind them itself.
 */
#ifndef PREFORKD_SANDBOX_LANDLOCK_H
#define PREFORKD_SANDBOX_LANDLOCK_H

struct config_service;
struct err;
struct sandbox;

/* Gathers the rules. After the change of user, and when all that is mounted for the process is in its place. */
int landlock_prepare(struct sandbox *sandbox, struct err *err);

/* For a worker that runs no program. */
int landlock_confine(struct sandbox *sandbox, struct err *err);

/* For a program. Async-signal-safe; -1 with errno. */
int landlock_confine_program(const struct sandbox *sandbox);

/* walls.c */
int landlock_lacks_read(const struct config_service *service, struct err *err);
int landlock_lacks_write(const struct config_service *service, struct err *err);
int landlock_lacks_execute(const struct config_service *service, struct err *err);
int landlock_lacks_tcp_connect(const struct config_service *service, struct err *err);
int landlock_lacks_tcp_bind(const struct config_service *service, struct err *err);

#endif
