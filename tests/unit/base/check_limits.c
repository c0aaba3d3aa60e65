/* SPDX-License-Identifier: MIT */
/* Limits read from a tree of files that stands for /proc and /sys. */
#include "base/limits.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../made_up_files.h"
#include "../suite.h"

static char root[] = "/tmp/check_limits.XXXXXX";
static struct limits limits;

static void put(const char *path, const char *text)
{
	made_up_put(root, path, text);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	limits_init(&limits);
}

static void tear_down(void)
{
	made_up_remove(root);
}

START_TEST(nothing_is_there)
{
	limits_read_groups(root, &limits);
	ck_assert_int_eq(limits.tasks, -1);
	limits_read(root, &limits);
	ck_assert_int_eq(limits.somaxconn, -1);
	ck_assert_int_eq(limits.tasks, -1);
	ck_assert_int_eq(limits.stop_ms, -1);
	ck_assert_str_eq(limits.unit, "");
}
END_TEST

START_TEST(kernel)
{
	put("/proc/sys/net/core/somaxconn", "4096\n");
	put("/proc/sys/kernel/pid_max", "32768\n");
	put("/proc/sys/kernel/threads-max", "1234\n");
	limits_read(root, &limits);
	ck_assert_int_eq(limits.somaxconn, 4096);
	ck_assert_int_eq(limits.tasks, 1234);
	ck_assert_str_eq(limits.tasks_set, "the sysctl kernel.threads-max");
}
END_TEST

/* The soft one. */
START_TEST(process)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 123;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	limits_read(root, &limits);
	ck_assert_int_eq(limits.files, 123);
}
END_TEST

START_TEST(the_smaller_one_stays)
{
	limits_narrow(&limits, -1, "none");
	ck_assert_int_eq(limits.tasks, -1);
	limits_narrow(&limits, 5, "five");
	limits_narrow(&limits, 6, "six");
	limits_narrow(&limits, -1, "none");
	ck_assert_int_eq(limits.tasks, 5);
	ck_assert_str_eq(limits.tasks_set, "five");
	limits_narrow(&limits, 0, "zero");
	ck_assert_int_eq(limits.tasks, 0);
}
END_TEST

static const struct {
	const char *cgroup;
	struct {
		const char *path, *text;
	} files[3];
	int64_t tasks;
	const char *set;
} groups[] = {
	/* one tree for all, the second version */
	{"0::/system.slice/x.service\n",
	 {{"/system.slice/x.service/pids.max", "512\n"}},
	 512,
	 "TasksMax= of x.service"},
	{"0::/system.slice/x.service\n", {{"/system.slice/x.service/pids.max", "max\n"}}, -1, ""},
	{"0::/system.slice/x.service\n",
	 {{"/system.slice/x.service/pids.max", "512\n"}, {"/system.slice/pids.max", "100\n"}},
	 100,
	 "TasksMax= of system.slice"},
	/* a container with a view of its own */
	{"0::/\n", {{"/pids.max", "77\n"}}, 77, "pids.max of the control group /sys/fs/cgroup/"},
	{"0::/docker/x\n", {{"/pids.max", "77\n"}}, 77, "pids.max of the control group /sys/fs/cgroup/"},
	{"0::/../other\n", {{"/pids.max", "77\n"}}, -1, ""},
	/* a tree for each controller, the first version */
	{"8:pids:/a/b\n0::/a\n",
	 {{"/pids/a/b/pids.max", "9\n"}, {"/pids/a/pids.max", "10\n"}},
	 9,
	 "pids.max of the control group /sys/fs/cgroup/pids/a/b"},
	{"7:cpu,pids:/a\n", {{"/pids/a/pids.max", "9\n"}}, 9, NULL},
	{"7:pids,cpu:/a\n", {{"/pids/a/pids.max", "9\n"}}, 9, NULL},
	{"7:notpids:/a\n", {{"/pids/a/pids.max", "9\n"}}, -1, ""},
	/* both */
	{"8:pids:/a\n0::/x.scope\n",
	 {{"/pids/a/pids.max", "9\n"}, {"/unified/x.scope/pids.max", "8\n"}},
	 8,
	 "TasksMax= of x.scope"},
	/* nonsense */
	{"\n:\n::\n0:\nx", {{"/pids.max", "77\n"}}, -1, NULL},
	{"0::/a\n", {{"/a/pids.max", "many\n"}}, -1, ""},
};

START_TEST(control_groups)
{
	char path[256];

	put("/proc/self/cgroup", groups[_i].cgroup);
	for (size_t i = 0; i < 3 && groups[_i].files[i].path != NULL; i++) {
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s", groups[_i].files[i].path);
		put(path, groups[_i].files[i].text);
	}
	limits_read_groups(root, &limits);
	ck_assert_int_eq(limits.tasks, groups[_i].tasks);
	if (groups[_i].set != NULL)
		ck_assert_str_eq(limits.tasks_set, groups[_i].set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, nothing_is_there);
	tcase_add_test(tc, kernel);
	tcase_add_test(tc, process);
	tcase_add_test(tc, the_smaller_one_stays);
	tcase_add_loop_test(tc, control_groups, 0, sizeof(groups) / sizeof(groups[0]));
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
