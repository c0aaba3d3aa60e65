/* SPDX-License-Identifier: MIT */
/* Any process. The names of system calls, for messages. */
#ifndef PREFORKD_BASE_SYSCALL_NAME_H
#define PREFORKD_BASE_SYSCALL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSCALL_NAME_MAX 48

/* Writes "read", or the decimal number if this machine has no system call NUMBER. Returns OUT. May allocate memory. */
const char *syscall_name(int number, char *out, size_t size);

/* The same on a machine AUDIT_ARCH_... of linux/audit.h; false: it has no system call NUMBER. */
bool syscall_name_on(uint32_t machine, int number, char *out, size_t size);

#endif
