/* SPDX-License-Identifier: MIT */
#include "base/empty_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"

#define MOST 100000

static char place[64], outside[64];
static int top;

static void make_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_CREAT | O_WRONLY | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}

static int make_folder(int folder, const char *name)
{
	ck_assert_int_eq(mkdirat(folder, name, 0700), 0);
	return openat(folder, name, O_RDONLY | O_DIRECTORY);
}

static void set_up(void)
{
	(void)snprintf(place, sizeof(place), "/tmp/check-empty-XXXXXX");
	(void)snprintf(outside, sizeof(outside), "/tmp/check-outside-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
	ck_assert_ptr_nonnull(mkdtemp(outside));
	top = open(place, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(top, 0);
}

static void take_down(void)
{
	ck_assert_int_eq(rmdir(place), 0);
	ck_assert_int_eq(rmdir(outside), 0);
	ck_assert_int_eq(close(top), 0);
}

START_TEST(of_an_empty_one_nothing)
{
	set_up();
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	take_down();
}
END_TEST

START_TEST(removes_all_kinds)
{
	int inner;

	set_up();
	make_file(top, "a");
	make_file(top, ".hidden");
	make_file(top, "..more");
	ck_assert_int_eq(mkfifoat(top, "fifo", 0600), 0);
	inner = make_folder(top, "b");
	make_file(inner, "c");
	(void)close(make_folder(inner, "d"));
	(void)close(inner);
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	take_down();
}
END_TEST

START_TEST(follows_no_link)
{
	int other, inner;

	set_up();
	other = open(outside, O_RDONLY | O_DIRECTORY);
	make_file(other, "stays");
	ck_assert_int_eq(symlinkat(outside, top, "link"), 0);
	inner = make_folder(top, "b");
	ck_assert_int_eq(symlinkat(outside, inner, "link"), 0);
	ck_assert_int_eq(symlinkat("nowhere", inner, "broken"), 0);
	(void)close(inner);
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	ck_assert_int_eq(unlinkat(other, "stays", 0), 0);
	(void)close(other);
	take_down();
}
END_TEST

START_TEST(opens_what_is_shut)
{
	int inner, deeper;

	set_up();
	inner = make_folder(top, "b");
	deeper = make_folder(inner, "c");
	make_file(deeper, "d");
	ck_assert_int_eq(fchmod(deeper, 0), 0);
	ck_assert_int_eq(fchmod(inner, 0), 0);
	(void)close(deeper);
	(void)close(inner);
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	take_down();
}
END_TEST

/* Deeper than a path can be long, and than descriptors can be open; names like those that it chooses itself. */
START_TEST(goes_to_any_depth)
{
	int at, next;

	set_up();
	at = dup(top);
	make_file(top, ".removing-1");
	for (int i = 0; i < 3000; i++) {
		next = make_folder(at, ".removing-0");
		(void)close(at);
		at = next;
		make_file(at, "f");
	}
	(void)close(at);
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	take_down();
}
END_TEST

START_TEST(stops_at_the_limit)
{
	char name[16];

	set_up();
	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		make_file(top, name);
	}
	ck_assert_int_eq(empty_folder(top, 49), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(empty_folder(top, MOST), 0);
	take_down();
}
END_TEST

int main(void)
{
	return SUITE_RUN("empty_folder", NULL, of_an_empty_one_nothing, removes_all_kinds, follows_no_link,
			 opens_what_is_shut, goes_to_any_depth, stops_at_the_limit);
}
