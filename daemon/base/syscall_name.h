/* SPDX-License-Identifier: MIT */
/* Any process. The names of system calls, for messages. */
#ifndef PREFORKD_BASE_SYSCALL_NAME_H
#define PREFORKD_BASE_SYSCALL_NAME_H

#include <stddef.h>

#define SYSCALL_NAME_MAX 48

/* "read"; the decimal number if this machine has no system call NUMBER. Returns OUT. May allocate memory. */
const char *syscall_name(int number, char *out, size_t size);

#endif
