/* SPDX-License-Identifier: MIT */
/* What made-up users may do with files and folders of this process. */
#include "base/path_access.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#include "../suite.h"

#define STRANGER 54321

static char base[] = "/tmp/check_path_access.XXXXXX", command[256];
static struct path_user owner = {.name = "the user owner"};
static const struct path_user stranger = {.name = "the user stranger", .uid = STRANGER, .gid = STRANGER};
static struct err err;

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s%s", base, name);
	return path;
}

static void remove_all(void)
{
	ck_assert_int_eq(system(command), 0);
}

static void setup(void)
{
	int fd;

	owner.uid = geteuid();
	owner.gid = getegid();
	ck_assert_ptr_nonnull(mkdtemp(base));
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("/a"), 0755), 0);
	fd = open(path_of("/a/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void set_mode(const char *name, mode_t mode)
{
	ck_assert_int_eq(chmod(path_of(name), mode), 0);
}

static enum path_answer ask(const char *name, int how, const struct path_user *who)
{
	err.text[0] = '\0';
	return path_access(path_of(name), how, who, NULL, &err);
}

static void check_said(const char *part)
{
	ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);
}

START_TEST(test_file)
{
	ck_assert_int_eq(ask("/a/file", R_OK | W_OK, &owner), PATH_YES);
	ck_assert_int_eq(ask("/a/file", F_OK, &stranger), PATH_YES);
	ck_assert_int_eq(ask("/a/file", R_OK, &stranger), PATH_NO);
	check_said("the user stranger cannot read ");
	check_said("/a/file (mode 0600, owner ");
	set_mode("/a/file", 0644);
	ck_assert_int_eq(ask("/a/file", R_OK, &stranger), PATH_YES);
	ck_assert_int_eq(ask("/a/file", X_OK, &stranger), PATH_NO);
	check_said("cannot run");
	remove_all();
}
END_TEST

START_TEST(test_first_match_counts)
{
	set_mode("/a/file", 0077);
	if (owner.uid != 0)
		ck_assert_int_eq(access(path_of("/a/file"), R_OK), -1);
	ck_assert_int_eq(ask("/a/file", R_OK, &owner), PATH_NO);
	ck_assert_int_eq(ask("/a/file", R_OK, &stranger), PATH_YES);
	remove_all();
}
END_TEST

START_TEST(test_groups)
{
	const gid_t groups[] = {STRANGER, getegid()};
	struct path_user member = stranger;

	set_mode("/a/file", 0640);
	ck_assert_int_eq(ask("/a/file", R_OK, &member), PATH_NO);
	member.groups = groups;
	member.n_groups = 2;
	ck_assert_int_eq(ask("/a/file", R_OK, &member), PATH_YES);
	remove_all();
}
END_TEST

START_TEST(test_folder_on_the_way)
{
	set_mode("/a/file", 0644);
	set_mode("/a", 0700);
	ck_assert_int_eq(ask("/a/file", R_OK, &stranger), PATH_NO);
	check_said("cannot enter ");
	check_said("/a (mode 0700, owner ");
	ck_assert_int_eq(ask("/a/file", R_OK, &owner), PATH_YES);
	ck_assert_int_eq(ask("/a/../a/./file", R_OK, &owner), PATH_YES);
	remove_all();
}
END_TEST

START_TEST(test_new_file_in_a_folder)
{
	ck_assert_int_eq(ask("/a", W_OK | X_OK, &stranger), PATH_NO);
	check_said("cannot make files in ");
	set_mode("/a", 01777);
	ck_assert_int_eq(ask("/a", W_OK | X_OK, &stranger), PATH_YES);
	remove_all();
}
END_TEST

START_TEST(test_links)
{
	char real[PATH_MAX], expected[128];

	(void)snprintf(expected, sizeof(expected), "%s", path_of("/a/file"));
	ck_assert_int_eq(symlink("a", path_of("/relative")), 0);
	ck_assert_int_eq(symlink(expected, path_of("/absolute")), 0);
	ck_assert_int_eq(symlink("loop", path_of("/loop")), 0);
	ck_assert_int_eq(path_access(path_of("/relative/file"), R_OK, &owner, real, &err), PATH_YES);
	ck_assert_str_eq(real, expected);
	ck_assert_int_eq(path_access(path_of("/absolute"), R_OK, &owner, real, &err), PATH_YES);
	ck_assert_str_eq(real, expected);
	ck_assert_int_eq(ask("/loop", R_OK, &owner), PATH_NO);
	check_said("Too many levels of symbolic links");
	remove_all();
}
END_TEST

START_TEST(test_missing)
{
	ck_assert_int_eq(ask("/a/nothing", F_OK, &owner), PATH_NO);
	check_said("/a/nothing: No such file or directory");
	ck_assert_int_eq(ask("/a/file/below", F_OK, &owner), PATH_NO);
	check_said("/a/file: Not a directory");
	remove_all();
}
END_TEST

START_TEST(test_capabilities)
{
	struct path_user searches = stranger, overrides = stranger;

	searches.may_search = overrides.may_override = true;
	set_mode("/a", 0700);
	ck_assert_int_eq(ask("/a/file", R_OK, &searches), PATH_YES);
	ck_assert_int_eq(ask("/a/file", W_OK, &searches), PATH_NO);
	ck_assert_int_eq(ask("/a", W_OK | X_OK, &searches), PATH_NO);
	ck_assert_int_eq(ask("/a/file", R_OK | W_OK, &overrides), PATH_YES);
	ck_assert_int_eq(ask("/a", W_OK | X_OK, &overrides), PATH_YES);
	ck_assert_int_eq(ask("/a/file", X_OK, &overrides), PATH_NO);
	set_mode("/a/file", 0700);
	ck_assert_int_eq(ask("/a/file", X_OK, &overrides), PATH_YES);
	remove_all();
}
END_TEST

int main(void)
{
	return SUITE_RUN("path_access", setup, test_file, test_first_match_counts, test_groups, test_folder_on_the_way,
			 test_new_file_in_a_folder, test_links, test_missing, test_capabilities);
}
