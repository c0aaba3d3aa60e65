/* SPDX-License-Identifier: MIT */
/* Master and worker. The wall of `sandbox.level`: which system calls a process can make (seccomp(2)). */
#ifndef PREFORKD_SANDBOX_SYSTEM_CALLS_H
#define PREFORKD_SANDBOX_SYSTEM_CALLS_H

struct config_service;
struct err;

/* walls.c */
int system_calls_find_lack(const struct config_service *service, struct err *err);

#endif
