/* SPDX-License-Identifier: MIT */
/* Made-up units, and what their rules allow. */
#include "base/unit_rules.h"

#include <sched.h>
#include <stdlib.h>

#include "base/unit_settings.h"

#include "../suite.h"

static struct unit_settings settings;

static void setup(void)
{
	unit_settings_init(&settings, "preforkd.service");
}

static bool allows_call(const char *list, const char *name)
{
	unit_settings_set(&settings, "SystemCallFilter", list);
	return unit_rules_allow_call(&settings, name);
}

START_TEST(test_calls)
{
	ck_assert(unit_rules_allow_call(&settings, "chroot"));
	ck_assert(allows_call("", "chroot"));
	ck_assert(!allows_call("@system-service", "chroot"));
	ck_assert(allows_call("@system-service", "setgroups"));
	ck_assert(!allows_call("@system-service\n~@privileged", "setgroups"));
	ck_assert(allows_call("@system-service\n~@privileged\n@setuid", "setgroups"));
	ck_assert(allows_call("read\nchroot", "chroot"));
	ck_assert(!allows_call("read\nwrite", "chroot"));
	unit_settings_clear(&settings);
}
END_TEST

/* A list that begins with what is forbidden allows all else. */
START_TEST(test_forbidden_calls)
{
	ck_assert(!allows_call("~@mount", "chroot"));
	ck_assert(allows_call("~@mount", "setgroups"));
	ck_assert(allows_call("~@mount\nchroot", "chroot"));
	unit_settings_clear(&settings);
}
END_TEST

static bool allows_namespace(const char *list, const char *name)
{
	unit_settings_set(&settings, "RestrictNamespaces", list);
	return unit_rules_allow_namespace(&settings, name);
}

START_TEST(test_namespaces)
{
	ck_assert(unit_rules_allow_namespace(&settings, "net"));
	ck_assert(allows_namespace("", "net"));
	ck_assert(allows_namespace("no", "net"));
	ck_assert(!allows_namespace("yes", "net"));
	ck_assert(allows_namespace("yes\nnet", "net"));
	ck_assert(!allows_namespace("yes\nnet", "user"));
	ck_assert(!allows_namespace("~net", "net"));
	ck_assert(allows_namespace("~net", "user"));
	unit_settings_clear(&settings);
}
END_TEST

static bool allows_flag(uint64_t flags, const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool allowed;

	ck_assert_ptr_nonnull(out);
	unit_rules_write_namespaces(flags, out);
	ck_assert_int_eq(fclose(out), 0);
	allowed = allows_namespace(text, name);
	free(text);
	return allowed;
}

/* As systemd tells the setting. */
START_TEST(test_flags)
{
	ck_assert(!allows_flag(0, "user"));
	ck_assert(allows_flag(UINT64_MAX, "user"));
	ck_assert(allows_flag(CLONE_NEWUSER | CLONE_NEWNS, "mnt"));
	ck_assert(!allows_flag(CLONE_NEWUSER | CLONE_NEWNS, "net"));
	unit_settings_clear(&settings);
}
END_TEST

static bool delegates(const char *value, const char *controller)
{
	unit_settings_set(&settings, "Delegate", value);
	return unit_rules_delegate(&settings, controller);
}

START_TEST(test_delegate)
{
	ck_assert(!unit_rules_delegate(&settings, "pids"));
	ck_assert(!delegates("no", "pids"));
	ck_assert(!delegates("", "pids"));
	ck_assert(delegates("yes", "pids"));
	ck_assert(delegates("memory pids", "pids"));
	ck_assert(delegates("memory pids", "memory"));
	ck_assert(!delegates("memory cpuset", "cpu"));
	unit_settings_set(&settings, "DelegateControllers", "cpu\nmemory");
	ck_assert(delegates("yes", "memory"));
	ck_assert(!delegates("yes", "pids"));
	unit_settings_clear(&settings);
}
END_TEST

int main(void)
{
	return SUITE_RUN("unit_rules", setup, test_calls, test_forbidden_calls, test_namespaces, test_flags,
			 test_delegate);
}
