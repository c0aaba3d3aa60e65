/* SPDX-License-Identifier: MIT */
#include "base/capability.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFIX "CAP_"

int capability_by_name(const char *name)
{
	size_t len = strlen(PREFIX);
	int number;

	number = capng_name_to_capability(strncasecmp(name, PREFIX, len) == 0 ? name + len : name);
	return number >= 0 && number < 64 ? number : -1;
}

void capability_name(int number, char out[CAPABILITY_TEXT])
{
	const char *name = capng_capability_to_name((unsigned)number);

	if (name == NULL) {
		(void)snprintf(out, CAPABILITY_TEXT, "capability %d", number);
		return;
	}
	(void)snprintf(out, CAPABILITY_TEXT, PREFIX "%s", name);
	for (char *p = out; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
}

uint64_t capability_own(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

bool capability_has(int number)
{
	return (capability_own() >> number & 1) != 0;
}
