/* SPDX-License-Identifier: MIT */
#include "sandbox/landlock_abi.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ASK_VERSION    1U /* a flag of landlock_create_ruleset(2) */
#define RULE_PATH      1
#define RULE_PORT      2
#define LOG_AFTER_EXEC 2U /* a flag of landlock_restrict_self(2): a new program's denials are logged, too */

struct path_rule {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

struct port_rule {
	uint64_t rights;
	uint64_t port;
};

int landlock_abi(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

	return version > 0 ? (int)version : 0;
}

int landlock_new(int abi, struct landlock_handled *handled)
{
	size_t size = sizeof(*handled);

	if (abi < 2)
		handled->fs &= ~LANDLOCK_REFER;
	if (abi < 3)
		handled->fs &= ~LANDLOCK_TRUNCATE;
	if (abi < 5)
		handled->fs &= ~LANDLOCK_IOCTL_DEV;
	if (abi < 4)
		handled->net = 0;
	if (abi < 6)
		handled->scoped = 0;
	/* Older kernels know a shorter struct, and take a longer one if the rest is 0. */
	return (int)syscall(SYS_landlock_create_ruleset, handled, size, 0); /* always close-on-exec */
}

int landlock_allow_path(int ruleset, int path_fd, uint64_t rights)
{
	const struct path_rule rule = {.rights = rights, .fd = path_fd};

	return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0);
}

int landlock_allow_port(int ruleset, uint16_t port, uint64_t rights)
{
	const struct port_rule rule = {.rights = rights, .port = port};

	return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0);
}

int landlock_restrict(int abi, int ruleset, int program)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset, program && abi >= 7 ? LOG_AFTER_EXEC : 0);
}
