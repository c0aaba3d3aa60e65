/* SPDX-License-Identifier: MIT */
#include "base/syscall_name.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

bool syscall_name_on(uint32_t machine, int number, char *out, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(machine, number);
	bool known = name != NULL;

	if (known)
		(void)snprintf(out, size, "%s", name);
	else
		(void)snprintf(out, size, "%d", number);
	free(name);
	return known;
}

const char *syscall_name(int number, char *out, size_t size)
{
	(void)syscall_name_on(seccomp_arch_native(), number, out, size);
	return out;
}
