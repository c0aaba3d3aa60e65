/* SPDX-License-Identifier: MIT */
/* Control groups, where a tree of files stands for them: their limits and events need no kernel that has them. */
#include "base/cgroup.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#include "../made_up_files.h"
#include "../suite.h"

static char root[] = "/tmp/check_cgroup.XXXXXX";
static int dir;

static void put(const char *path, const char *text)
{
	made_up_put(root, path, text);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static void tear_down(void)
{
	(void)close(dir);
	made_up_remove(root);
}

/* Mounts the tree FOLDER of the made-up host, whose top is TOP. */
static void mount_tree(const char *top, const char *folder)
{
	char line[2 * PATH_MAX];

	(void)snprintf(line, sizeof(line),
		       "22 1 0:20 / /proc rw - proc proc rw\n"
		       "30 1 0:26 %s %s%s rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
		       top, root, folder);
	put("/proc/self/mountinfo", line);
}

static void expect_found(const char *folder)
{
	char path[PATH_MAX], expected[PATH_MAX];
	struct err err;

	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), 0);
	(void)snprintf(expected, sizeof(expected), "%s%s", root, folder);
	ck_assert_str_eq(path, expected);
}

START_TEST(own_group)
{
	put("/sys/system.slice/a.service/cgroup.procs", "");
	put("/proc/self/cgroup", "4:memory:/elsewhere\n0::/system.slice/a.service\n");
	mount_tree("/", "/sys");
	expect_found("/sys/system.slice/a.service");
}
END_TEST

START_TEST(top_of_a_container)
{
	put("/sys/cgroup.procs", "");
	put("/proc/self/cgroup", "0::/\n");
	mount_tree("/", "/sys");
	expect_found("/sys");
}
END_TEST

START_TEST(part_of_the_tree)
{
	put("/sys/inner/cgroup.procs", "");
	put("/proc/self/cgroup", "0::/outer/inner\n");
	mount_tree("/outer", "/sys");
	expect_found("/sys/inner");
}
END_TEST

START_TEST(not_visible)
{
	char path[PATH_MAX];
	struct err err;

	put("/sys/cgroup.procs", "");
	mount_tree("/", "/sys");
	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), -1);
	put("/proc/self/cgroup", "0::/../other\n");
	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), -1);
	put("/proc/self/cgroup", "4:memory:/a\n");
	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), -1);
	put("/proc/self/cgroup", "0::/gone\n");
	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), -1);
	put("/proc/self/cgroup", "0::/\n");
	mount_tree("/other", "/sys");
	ck_assert_int_eq(cgroup_find(root, path, sizeof(path), &err), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(limits)
{
	char text[64];
	struct err err;

	put("/memory.max", "");
	put("/pids.max", "");
	ck_assert_int_eq(cgroup_write_limit(dir, "memory.max", 65536, &err), 0);
	ck_assert_int_eq(cgroup_read(dir, "memory.max", text, sizeof(text)), 5);
	ck_assert_str_eq(text, "65536");
	ck_assert_int_eq(cgroup_number(dir, "memory.max"), 65536);
	ck_assert_int_eq(cgroup_write_limit(dir, "pids.max", 0, &err), 0);
	ck_assert_int_eq(cgroup_read(dir, "pids.max", text, sizeof(text)), 3);
	ck_assert_str_eq(text, "max");
	ck_assert_int_eq(cgroup_number(dir, "pids.max"), -1);
	ck_assert_int_eq(cgroup_number(dir, "none"), -1);
	ck_assert_int_eq(cgroup_write_limit(dir, "none", 1, &err), -1);
	ck_assert_int_eq(cgroup_read(dir, "none", text, sizeof(text)), -1);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(words)
{
	put("/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	ck_assert(cgroup_has_word(dir, "cgroup.controllers", "memory"));
	ck_assert(cgroup_has_word(dir, "cgroup.controllers", "pids"));
	ck_assert(!cgroup_has_word(dir, "cgroup.controllers", "mem"));
	ck_assert(!cgroup_has_word(dir, "cgroup.controllers", "set"));
	ck_assert(!cgroup_has_word(dir, "none", "memory"));
}
END_TEST

START_TEST(events)
{
	static const char text[] = "low 0\nhigh 1\nmax 22\noom 3\noom_kill 4\noom_group_kill 5\n";

	ck_assert_int_eq(cgroup_event(text, "low"), 0);
	ck_assert_int_eq(cgroup_event(text, "max"), 22);
	ck_assert_int_eq(cgroup_event(text, "oom"), 3);
	ck_assert_int_eq(cgroup_event(text, "oom_kill"), 4);
	ck_assert_int_eq(cgroup_event(text, "oom_group"), -1);
	ck_assert_int_eq(cgroup_event("", "low"), -1);
	ck_assert_int_eq(cgroup_event("populated 1\nfrozen 0\n", "populated"), 1);
}
END_TEST

START_TEST(making_and_ending)
{
	struct err err;
	bool made;
	int fd = cgroup_make(dir, "one", &made, &err);

	ck_assert_int_ge(fd, 0);
	ck_assert(made);
	(void)close(fd);
	fd = cgroup_make(dir, "one", &made, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert(!made);
	(void)close(fd);
	ck_assert(cgroup_end(dir, "one"));
	ck_assert(cgroup_end(dir, "one")); /* there is none any more */
	put("/two/cgroup.kill", "");
	ck_assert(!cgroup_end(dir, "two")); /* this one does not become empty */
	put("/three", "");
	ck_assert_int_eq(cgroup_make(dir, "three", NULL, &err), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, own_group);
	tcase_add_test(tc, top_of_a_container);
	tcase_add_test(tc, part_of_the_tree);
	tcase_add_test(tc, not_visible);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, words);
	tcase_add_test(tc, events);
	tcase_add_test(tc, making_and_ending);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
