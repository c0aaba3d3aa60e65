/* SPDX-License-Identifier: MIT */
/* The files as made-up units see them. */
#include "base/unit_view.h"

#include <string.h>

#include "base/unit_settings.h"

#include "../suite.h"

struct pair {
	const char *name, *value;
};

static struct unit_settings settings;
static struct unit_view view;

static void make_view(const struct pair *pairs, size_t n)
{
	unit_settings_init(&settings, "x.service");
	for (size_t i = 0; i < n; i++)
		unit_settings_set(&settings, pairs[i].name, pairs[i].value);
	unit_view_init(&view, &settings);
	unit_settings_clear(&settings);
}

#define VIEW(...)                                                                                                      \
	make_view((const struct pair[]){__VA_ARGS__}, sizeof((const struct pair[]){__VA_ARGS__}) / sizeof(struct pair))

static const char *name_of(const struct unit_view_rule *rule)
{
	return rule != NULL ? rule->setting : "";
}

#define HIDES(path)    name_of(unit_view_hides(&view, path))
#define PROTECTS(path) name_of(unit_view_protects(&view, path))
#define FORBIDS(path)  name_of(unit_view_forbids_exec(&view, path))

START_TEST(test_nothing)
{
	VIEW({"ProtectHome", "no"}, {"ProtectSystem", "no"}, {"PrivateTmp", "no"});
	ck_assert_uint_eq(view.n, 0);
	ck_assert_str_eq(HIDES("/home/x"), "");
}
END_TEST

START_TEST(test_homes)
{
	VIEW({"ProtectHome", "yes"}, {"BindPaths", "/home/shown"}, {"ProtectSystem", "strict"});
	ck_assert_str_eq(HIDES("/home"), "ProtectHome=yes");
	ck_assert_str_eq(HIDES("/home/joe/x"), "ProtectHome=yes");
	ck_assert_str_eq(HIDES("/home/shown/x"), "ProtectHome=yes");
	ck_assert_str_eq(HIDES("/root"), "ProtectHome=yes");
	ck_assert_str_eq(HIDES("/homes"), "");
	VIEW({"ProtectHome", "tmpfs"}, {"BindPaths", "/home/shown"});
	ck_assert_str_eq(HIDES("/home/joe/x"), "ProtectHome=tmpfs");
	ck_assert_str_eq(HIDES("/home/shown/x"), "");
	VIEW({"ProtectHome", "read-only"}, {"ProtectSystem", "strict"});
	ck_assert_str_eq(HIDES("/home/joe"), "");
	ck_assert_str_eq(PROTECTS("/home/joe"), "ProtectHome=read-only");
}
END_TEST

START_TEST(test_system)
{
	VIEW({"ProtectSystem", "yes"});
	ck_assert_str_eq(PROTECTS("/usr/lib"), "ProtectSystem=yes");
	ck_assert_str_eq(PROTECTS("/etc"), "");
	VIEW({"ProtectSystem", "full"}, {"ReadWritePaths", "/etc/x\n-/usr/y"});
	ck_assert_str_eq(PROTECTS("/etc"), "ProtectSystem=full");
	ck_assert_str_eq(PROTECTS("/etc/x"), "");
	ck_assert_str_eq(PROTECTS("/usr/y/z"), "");
	ck_assert_str_eq(PROTECTS("/srv"), "");
	VIEW({"ProtectSystem", "strict"}, {"RuntimeDirectory", "one\ntwo:link"}, {"StateDirectory", "one"},
	     {"ReadOnlyPaths", "/run/one/deep"}, {"PrivateTmp", "yes"});
	ck_assert_str_eq(PROTECTS("/"), "ProtectSystem=strict");
	ck_assert_str_eq(PROTECTS("/srv"), "ProtectSystem=strict");
	ck_assert_str_eq(PROTECTS("/run"), "ProtectSystem=strict");
	ck_assert_str_eq(PROTECTS("/run/one"), "");
	ck_assert_str_eq(PROTECTS("/run/one/deep"), "ReadOnlyPaths=/run/one/deep");
	ck_assert_str_eq(PROTECTS("/run/two"), "");
	ck_assert_str_eq(PROTECTS("/var/lib/one"), "");
	ck_assert_str_eq(PROTECTS("/var/lib"), "ProtectSystem=strict");
	ck_assert_str_eq(PROTECTS("/home/x"), "");
	ck_assert_str_eq(PROTECTS("/tmp"), "");
}
END_TEST

START_TEST(test_private_folders)
{
	VIEW({"PrivateTmp", "yes"}, {"PrivateDevices", "yes"}, {"BindReadOnlyPaths", "/tmp/shown"});
	ck_assert_str_eq(HIDES("/tmp/x"), "PrivateTmp=yes");
	ck_assert_str_eq(HIDES("/var/tmp/x"), "PrivateTmp=yes");
	ck_assert_str_eq(HIDES("/tmp/shown/x"), "");
	ck_assert_int_eq(unit_view_hides(&view, "/tmp/x")->kind, VIEW_PRIVATE);
	ck_assert_str_eq(HIDES("/dev/sda"), "PrivateDevices=yes");
	ck_assert_str_eq(HIDES("/dev/null"), "");
	ck_assert_str_eq(PROTECTS("/dev"), "PrivateDevices=yes");
	ck_assert_str_eq(PROTECTS("/dev/shm"), "");
	ck_assert_str_eq(FORBIDS("/dev/shm/x"), "PrivateDevices=yes");
}
END_TEST

START_TEST(test_paths_of_the_unit)
{
	VIEW({"InaccessiblePaths", "-/srv/a\n/srv/b"}, {"TemporaryFileSystem", "/opt"}, {"NoExecPaths", "/"},
	     {"ExecPaths", "/usr\n/srv"});
	ck_assert_str_eq(HIDES("/srv/a/x"), "InaccessiblePaths=/srv/a");
	ck_assert_str_eq(HIDES("/srv/c"), "");
	ck_assert_str_eq(HIDES("/opt/x"), "TemporaryFileSystem=/opt");
	ck_assert_str_eq(FORBIDS("/bin2/x"), "NoExecPaths=/");
	ck_assert_str_eq(FORBIDS("/usr/bin/x"), "");
}
END_TEST

START_TEST(test_root_of_its_own)
{
	VIEW({"ProtectHome", "yes"}, {"RootDirectory", "/srv/root"});
	ck_assert_str_eq(HIDES("/home/x"), "");
}
END_TEST

int main(void)
{
	return SUITE_RUN("unit_view", NULL, test_nothing, test_homes, test_system, test_private_folders,
			 test_paths_of_the_unit, test_root_of_its_own);
}
