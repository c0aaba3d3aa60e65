/* SPDX-License-Identifier: MIT */
/* The tree of control groups, where a folder of this test stands for the part that was left to the daemon: limits and
 * events need no kernel that has them. Folders with files stay where the kernel would remove groups. */
#include "pool/groups.h"

#include <check.h>
#include <fcntl.h>
#include <preforkd/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "config/config.h"
#include "pool/group_limits.h"
#include "pool/pool.h"
#include "sandbox/group_lacks.h"
#include "sandbox/walls.h"

#include "../made_up_files.h"
#include "../suite.h"

static char root[] = "/tmp/check_groups.XXXXXX";
static const struct preforkd_module programs = {.flags = PREFORKD_COMMAND}, built_in = {.flags = 0};
static char name[] = "web";
static struct config_service service;

static void path_of(const char *path, char out[1024])
{
	(void)snprintf(out, 1024, "%s/%s", root, path);
}

static void put(const char *path, const char *text)
{
	made_up_put(root, path, text);
}

static const char *get(const char *path)
{
	static char text[256];
	char full[1024];
	FILE *f;

	path_of(path, full);
	f = fopen(full, "r");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

static bool is_there(const char *path)
{
	char full[1024];

	path_of(path, full);
	return access(full, F_OK) == 0;
}

static void begin(void)
{
	groups_begin(open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	service = (struct config_service){.name = name, .handler = &programs};
}

static void tear_down(void)
{
	made_up_remove(root);
}

START_TEST(nothing_was_left_to_us)
{
	struct group_use use;

	ck_assert_int_eq(groups_make(&service), -1);
	ck_assert(!groups_look(name, &use));
	ck_assert(!groups_ran_out(&service, 1));
	groups_limit(&service);
	groups_left(&service, 1);
	groups_sweep(NULL);
	ck_assert(!groups_are_due());
	groups_close();
}
END_TEST

START_TEST(made_and_removed)
{
	int fd;

	begin();
	fd = groups_make(&service);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert(is_there("svc-web/workers"));
	ck_assert(is_there("svc-web/programs"));
	fd = groups_make(&service); /* the next worker */
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	groups_sweep(NULL); /* no process has it */
	ck_assert(!is_there("svc-web"));
	ck_assert(!groups_are_due());
}
END_TEST

START_TEST(built_in_services_have_none)
{
	begin();
	service.handler = &built_in;
	ck_assert_int_eq(groups_make(&service), -1);
	ck_assert(!is_there("svc-web"));
}
END_TEST

START_TEST(controllers_are_put_to_work)
{
	put("cgroup.controllers", "cpu memory pids\n");
	put("cgroup.subtree_control", "cpu\n");
	begin();
	ck_assert_str_eq(get("cgroup.subtree_control"), "+pidsry"); /* the last write; a file keeps what is longer */
}
END_TEST

START_TEST(limits_are_written)
{
	put("svc-web/programs/memory.max", "");
	put("svc-web/programs/pids.max", "");
	begin();
	service.limits.memory = 1 << 20;
	service.limits.tasks = 7;
	groups_limit(&service);
	ck_assert_str_eq(get("svc-web/programs/memory.max"), "1048576");
	ck_assert_str_eq(get("svc-web/programs/pids.max"), "7");
	put("svc-web/programs/memory.max", "");
	put("svc-web/programs/pids.max", "");
	service.limits.memory = service.limits.tasks = 0;
	groups_limit(&service);
	ck_assert_str_eq(get("svc-web/programs/memory.max"), "max");
	ck_assert_str_eq(get("svc-web/programs/pids.max"), "max");
}
END_TEST

START_TEST(use_is_read)
{
	struct group_use use;

	put("svc-web/programs/memory.current", "4096\n");
	put("svc-web/programs/memory.max", "max\n");
	put("svc-web/programs/pids.current", "3\n");
	put("svc-web/programs/pids.max", "10\n");
	put("svc-web/programs/memory.events", "low 0\noom 1\noom_kill 2\n");
	begin();
	ck_assert(groups_look(name, &use));
	ck_assert_int_eq(use.memory, 4096);
	ck_assert_int_eq(use.memory_max, -1);
	ck_assert_int_eq(use.tasks, 3);
	ck_assert_int_eq(use.tasks_max, 10);
	ck_assert_int_eq(use.oom_kills, 2);
	ck_assert(!groups_look("other", &use));
}
END_TEST

START_TEST(want_of_memory)
{
	put("svc-web/programs/5/memory.events", "oom_kill 1\n");
	put("svc-web/programs/6/memory.events", "oom_kill 0\n");
	begin();
	ck_assert(groups_ran_out(&service, 5));
	ck_assert(!groups_ran_out(&service, 6));
	ck_assert(!groups_ran_out(&service, 7));
}
END_TEST

START_TEST(leftovers_are_killed)
{
	put("svc-web/programs/5/cgroup.kill", "");
	put("svc-web/programs/6/cgroup.kill", "");
	begin();
	groups_left(&service, 5);
	ck_assert_str_eq(get("svc-web/programs/5/cgroup.kill"), "1");
	ck_assert_str_eq(get("svc-web/programs/6/cgroup.kill"), "");
	ck_assert(groups_are_due());
	groups_sweep(NULL);
	ck_assert_str_eq(get("svc-web/programs/6/cgroup.kill"), "1");
	ck_assert(groups_are_due()); /* they are not gone */
}
END_TEST

START_TEST(living_workers_keep_theirs)
{
	struct pool pool = {.service = &service};
	struct proc proc = {.pid = 5, .pool = &pool}, *by_pid = NULL;

	HASH_ADD(by_pid, by_pid, pid, sizeof(proc.pid), &proc);
	put("svc-web/programs/5/cgroup.kill", "");
	begin();
	groups_sweep(by_pid);
	ck_assert_str_eq(get("svc-web/programs/5/cgroup.kill"), "");
	ck_assert(!groups_are_due());
	HASH_DELETE(by_pid, by_pid, &proc);
}
END_TEST

static unsigned n_lacks;
static char prefix[] = "limits.";

static void count_lack(const char *key, const char *text, void *userdata)
{
	ck_assert_ptr_nonnull(strstr(key, userdata));
	ck_assert_ptr_nonnull(strstr(text, "Delegate=yes"));
	n_lacks++;
}

START_TEST(lacks)
{
	struct err err;

	service.limits.memory = service.limits.tasks = 1 << 20;
	walls_find_lacks(&service, count_lack, NULL); /* nobody has looked */
	ck_assert_uint_eq(n_lacks, 0);
	group_lacks_set("no reason", false, false);
	walls_find_lacks(&service, count_lack, prefix);
	ck_assert_uint_eq(n_lacks, 2);
	ck_assert_int_eq(walls_demand(&service, &err), 0);
	service.sandbox.required = true;
	ck_assert_int_eq(walls_demand(&service, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no reason"));
	group_lacks_set(NULL, true, false);
	walls_find_lacks(&service, count_lack, prefix);
	ck_assert_uint_eq(n_lacks, 3);
	ck_assert(!group_lacks_nothing(&service));
	group_lacks_set(NULL, true, true);
	ck_assert_int_eq(walls_demand(&service, &err), 0);
	ck_assert(group_lacks_nothing(&service));
	group_lacks_set("no reason", false, false);
	service.limits.memory = service.limits.tasks = 0;
	ck_assert_int_eq(walls_demand(&service, &err), 0);
	service.limits.memory = 1;
	service.handler = &built_in;
	ck_assert_int_eq(walls_demand(&service, &err), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("groups");
	TCase *tc = tcase_create("groups");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, nothing_was_left_to_us);
	tcase_add_test(tc, made_and_removed);
	tcase_add_test(tc, built_in_services_have_none);
	tcase_add_test(tc, controllers_are_put_to_work);
	tcase_add_test(tc, limits_are_written);
	tcase_add_test(tc, use_is_read);
	tcase_add_test(tc, want_of_memory);
	tcase_add_test(tc, leftovers_are_killed);
	tcase_add_test(tc, living_workers_keep_theirs);
	tcase_add_test(tc, lacks);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
