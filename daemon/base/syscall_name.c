/* SPDX-License-Identifier: MIT */
#include "base/syscall_name.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

const char *syscall_name(int number, char *out, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number);

	if (name != NULL)
		(void)snprintf(out, size, "%s", name);
	else
		(void)snprintf(out, size, "%d", number);
	free(name);
	return out;
}
