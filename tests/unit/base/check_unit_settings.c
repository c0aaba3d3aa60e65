/* SPDX-License-Identifier: MIT */
/* Settings of made-up units: their texts, and their files without systemd. */
#include "base/unit_rules.h"
#include "base/unit_settings.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/unit_files.h"

#include "../suite.h"

#define BIT(capability) (1ULL << (capability))

static char root[] = "/tmp/check_unit_settings.XXXXXX";
static struct unit_settings settings;
static struct limits limits;

static void setup(void)
{
	unit_settings_init(&settings, "preforkd.service");
	limits_init(&limits);
}

static const char *get(const char *name)
{
	const char *value = unit_settings_get(&settings, name);

	return value != NULL ? value : "(unknown)";
}

START_TEST(test_texts)
{
	ck_assert_str_eq(get("User"), "(unknown)");
	unit_settings_set(&settings, "User", "joe");
	unit_settings_set(&settings, "UserX", "x");
	unit_settings_set(&settings, "Group", "");
	ck_assert_str_eq(get("User"), "joe");
	unit_settings_set(&settings, "User", "ann");
	ck_assert_str_eq(get("User"), "ann");
	ck_assert_str_eq(get("UserX"), "x");
	ck_assert_str_eq(get("Group"), "");
	unit_settings_clear(&settings);
}
END_TEST

START_TEST(test_switches)
{
	static const char *const on[] = {"yes", "true", "1", "on", "YES"}, *const off[] = {"no", "0", "", "strict"};

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		unit_settings_set(&settings, "PrivateTmp", on[i]);
		ck_assert(unit_settings_is_on(&settings, "PrivateTmp"));
	}
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		unit_settings_set(&settings, "PrivateTmp", off[i]);
		ck_assert(!unit_settings_is_on(&settings, "PrivateTmp"));
	}
	ck_assert(!unit_settings_is_on(&settings, "PrivateDevices"));
	unit_settings_clear(&settings);
}
END_TEST

static void check_capabilities(const char *list, uint64_t expected)
{
	unit_settings_set(&settings, "CapabilityBoundingSet", list);
	ck_assert_uint_eq(unit_settings_capabilities(&settings, "CapabilityBoundingSet", 7), expected);
}

START_TEST(test_capabilities)
{
	ck_assert_uint_eq(unit_settings_capabilities(&settings, "CapabilityBoundingSet", 7), 7);
	check_capabilities("", 0);
	check_capabilities("1025", 1025);
	check_capabilities("CAP_CHOWN\ncap_setuid\nCAP_UNHEARD_OF", BIT(CAP_CHOWN) | BIT(CAP_SETUID));
	check_capabilities("~CAP_CHOWN", ~BIT(CAP_CHOWN));
	check_capabilities("~", ~0ULL);
	unit_settings_clear(&settings);
}
END_TEST

START_TEST(test_families)
{
	ck_assert(unit_rules_allow_family(&settings, "AF_INET6"));
	unit_settings_set(&settings, "RestrictAddressFamilies", "AF_UNIX\nAF_INET");
	ck_assert(unit_rules_allow_family(&settings, "AF_INET"));
	ck_assert(!unit_rules_allow_family(&settings, "AF_INET6"));
	unit_settings_set(&settings, "RestrictAddressFamilies", "~AF_INET");
	ck_assert(!unit_rules_allow_family(&settings, "AF_INET"));
	ck_assert(unit_rules_allow_family(&settings, "AF_INET6"));
	unit_settings_clear(&settings);
}
END_TEST

/* ---- files ---- */

static void write_unit(const char *path, const char *text)
{
	char command[512];
	FILE *f;

	(void)snprintf(command, sizeof(command), "mkdir -p $(dirname %s%s)", root, path);
	ck_assert_int_eq(system(command), 0);
	(void)snprintf(command, sizeof(command), "%s%s", root, path);
	f = fopen(command, "we");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void remove_units(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
	unit_settings_clear(&settings);
}

START_TEST(test_files)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert(!unit_files_read(root, &settings, &limits));
	write_unit("/usr/lib/systemd/system/preforkd.service",
		   "[Unit]\nUser=nobody\n[Service]\n# User=no\nUser=preforkd\nProtectSystem=strict\n"
		   "ReadWritePaths=/a -/b\\\n  \"/c\"\nBindPaths=/from:/to:rbind /same\nLimitNOFILE=100:200\n"
		   "CapabilityBoundingSet=CAP_CHOWN\nRestrictAddressFamilies=~AF_INET AF_INET6\n"
		   "TemporaryFileSystem=/srv:ro\nTasksMax=20\nTimeoutStopSec=1min 30s\n");
	write_unit("/usr/lib/systemd/system/preforkd.service.d/20-more.conf", "[Service]\nProtectSystem=no\n");
	write_unit("/etc/systemd/system/preforkd.service.d/20-more.conf",
		   "[Service]\nCapabilityBoundingSet=\nCapabilityBoundingSet=CAP_SETUID\nReadWritePaths=\n"
		   "ReadWritePaths=/d\n");
	write_unit("/etc/systemd/system/preforkd.service.d/10-first.conf", "[Service]\nReadWritePaths=/e\n");
	ck_assert(unit_files_read(root, &settings, &limits));
	ck_assert_str_eq(get("User"), "preforkd");
	ck_assert_str_eq(get("ProtectSystem"), "strict");
	ck_assert_str_eq(get("ReadWritePaths"), "/d");
	ck_assert_str_eq(get("BindPaths"), "/to\n/same");
	ck_assert_str_eq(get("TemporaryFileSystem"), "/srv");
	ck_assert_str_eq(get("RestrictAddressFamilies"), "~AF_INET\n~AF_INET6");
	ck_assert_uint_eq(unit_settings_capabilities(&settings, "CapabilityBoundingSet", 0), BIT(CAP_SETUID));
	ck_assert_int_eq(limits.files, 100);
	ck_assert_int_eq(limits.tasks, 20);
	ck_assert_str_eq(limits.tasks_set, "TasksMax= of preforkd.service");
	remove_units();
}
END_TEST

START_TEST(test_lines_that_go_on)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	write_unit("/lib/systemd/system/preforkd.service",
		   "[Service]\r\nReadWritePaths=/a -/b\\\n  \"/c\"\r\nNoExecPaths=/\nTimeoutStopSec=40s\n");
	ck_assert(unit_files_read(root, &settings, &limits));
	ck_assert_str_eq(get("ReadWritePaths"), "/a\n-/b\n/c");
	ck_assert_str_eq(get("NoExecPaths"), "/");
	ck_assert_int_eq(limits.stop_ms, 40000);
	remove_units();
}
END_TEST

START_TEST(test_template)
{
	unit_settings_init(&settings, "preforkd@web.service");
	ck_assert_ptr_nonnull(mkdtemp(root));
	write_unit("/usr/lib/systemd/system/preforkd@.service",
		   "[Service]\nRuntimeDirectory=preforkd-%i 50%%\nUser=all\nGroup=%n\n");
	write_unit("/etc/systemd/system/preforkd@.service.d/a.conf", "[Service]\nUser=some\n");
	write_unit("/etc/systemd/system/preforkd@web.service.d/b.conf", "[Service]\nUser=web\n");
	ck_assert(unit_files_read(root, &settings, &limits));
	ck_assert_str_eq(get("RuntimeDirectory"), "preforkd-web\n50%");
	ck_assert_str_eq(get("User"), "web");
	ck_assert_str_eq(get("Group"), "preforkd@web.service");
	remove_units();
}
END_TEST

int main(void)
{
	return SUITE_RUN("unit_settings", setup, test_texts, test_switches, test_capabilities, test_families,
			 test_files, test_lines_that_go_on, test_template);
}
