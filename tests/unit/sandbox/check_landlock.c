/* SPDX-License-Identifier: MIT */
/* Rules of Landlock in a child, and names of capabilities. */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/err.h"
#include "config/config.h"
#include "sandbox/landlock_abi.h"
#include "sandbox/state.h"

#include "../suite.h"

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || errno != EACCES;
}

/* The result has a bit for each thing that a process with these lists cannot do. */
static int confine(const struct config_sandbox *lists)
{
	const struct config_service service = {.sandbox = *lists};
	struct sandbox sandbox = {.service = &service, .ruleset = -1};
	struct err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_prepare(&sandbox, &err) < 0 ||
	    landlock_confine(&sandbox, &err) < 0)
		return 0x40;
	return !can_open("/usr", O_RDONLY) << 0 | !can_open("/etc/passwd", O_RDONLY) << 1 |
	       !can_open("/tmp", O_TMPFILE | O_WRONLY) << 2 | !can_open("/dev/null", O_RDWR) << 3;
}

static int denied(const struct config_sandbox *lists)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(confine(lists));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(only_what_is_listed)
{
	static char usr[] = "/usr", tmp[] = "/tmp";
	char *none[] = {NULL}, *some[] = {usr, NULL}, *places[] = {tmp, NULL};

	if (landlock_abi() < 1)
		return;
	ck_assert_int_eq(denied(&(struct config_sandbox){.read = NULL}), 0);
	ck_assert_int_eq(denied(&(struct config_sandbox){.read = none}), 3);
	ck_assert_int_eq(denied(&(struct config_sandbox){.read = some}), 2);
	ck_assert_int_eq(denied(&(struct config_sandbox){.write = none}), 4);
	ck_assert_int_eq(denied(&(struct config_sandbox){.write = places}), 0);
	ck_assert_int_eq(denied(&(struct config_sandbox){.read = none, .execute = some}), 2);
}
END_TEST

START_TEST(a_path_that_is_not_there)
{
	static char nowhere[] = "/no-such-folder";
	char *list[] = {nowhere, NULL};

	if (landlock_abi() < 1)
		return;
	ck_assert_int_eq(denied(&(struct config_sandbox){.read = list}), 0x40);
}
END_TEST

START_TEST(names_of_capabilities)
{
	char name[CAPABILITY_TEXT];

	ck_assert_int_eq(capability_by_name("CAP_NET_RAW"), CAP_NET_RAW);
	ck_assert_int_eq(capability_by_name("net_raw"), CAP_NET_RAW);
	ck_assert_int_eq(capability_by_name("Cap_Chown"), CAP_CHOWN);
	ck_assert_int_eq(capability_by_name("CAP_"), -1);
	ck_assert_int_eq(capability_by_name(""), -1);
	ck_assert_int_eq(capability_by_name("raw"), -1);
	capability_name(CAP_SYS_CHROOT, name);
	ck_assert_str_eq(name, "CAP_SYS_CHROOT");
}
END_TEST

int main(void)
{
	return SUITE_RUN("landlock", NULL, only_what_is_listed, a_path_that_is_not_there, names_of_capabilities);
}
