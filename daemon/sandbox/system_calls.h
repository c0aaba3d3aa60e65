/* SPDX-License-Identifier: MIT */
/* Master and worker. The wall of `sandbox.level`: which system calls a process can make (seccomp(2)). */
#ifndef PREFORKD_SANDBOX_SYSTEM_CALLS_H
#define PREFORKD_SANDBOX_SYSTEM_CALLS_H

struct config_service;
struct err;
struct sandbox;

/* Master, walls.c. */
int system_calls_find_lack(const struct config_service *service, struct err *err);

/*
 * The steps, of which one takes the filter. Without no_new_privs only a process with CAP_SYS_ADMIN may, so the first
 * one is taken before the process loses its capabilities; such a process has made its namespaces by then, and what
 * follows makes no forbidden call. Otherwise the second one does, when the service is set up. Where the host has no
 * filters, 0 unless sandbox.required.
 */
int system_calls_limit_early(struct sandbox *sandbox, struct err *err);
int system_calls_limit(struct sandbox *sandbox, struct err *err);

#endif
