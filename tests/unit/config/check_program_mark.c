/* SPDX-License-Identifier: MIT */
/* The mark of a program changes with the files that it consists of. */
#include "config/program_mark.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#include "../suite.h"

static char folder[] = "/tmp/check_program_mark.XXXXXX";
static char program[64], script[64], spare[64];
static char option[] = "-c", word[] = "relative", nowhere[] = "/nowhere/at/all";
static char *command[] = {program, option, script, word, nowhere, folder};
static struct identity other;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static uint64_t mark(void)
{
	return program_mark(command, sizeof(command) / sizeof(command[0]), &other);
}

static void set_up(void)
{
	other = (struct identity){.uid = geteuid() + 1};
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(program, sizeof(program), "%s/program", folder);
	(void)snprintf(script, sizeof(script), "%s/script", folder);
	(void)snprintf(spare, sizeof(spare), "%s/spare", folder);
	put(program, "a");
	put(script, "b");
}

static void tear_down(void)
{
	(void)unlink(program);
	(void)unlink(script);
	(void)unlink(spare);
	(void)rmdir(folder);
}

START_TEST(the_same_files)
{
	ck_assert_uint_eq(mark(), mark());
	ck_assert_uint_ne(mark(), 0);
}
END_TEST

START_TEST(a_file_that_is_written_to)
{
	uint64_t before = mark();

	put(_i == 0 ? program : script, "longer");
	ck_assert_uint_ne(mark(), before);
}
END_TEST

START_TEST(a_file_that_is_replaced)
{
	uint64_t before = mark();

	put(spare, "b");
	ck_assert_int_eq(rename(spare, script), 0);
	ck_assert_uint_ne(mark(), before);
}
END_TEST

START_TEST(a_file_that_is_removed)
{
	uint64_t before = mark();

	ck_assert_int_eq(unlink(script), 0);
	ck_assert_uint_ne(mark(), before);
}
END_TEST

START_TEST(a_file_of_its_own_does_not_count)
{
	uint64_t before;

	other.uid = geteuid();
	before = mark();
	put(script, "longer");
	ck_assert_uint_eq(mark(), before);
	put(program, "longer");
	ck_assert_uint_ne(mark(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("program_mark");
	TCase *tcase = tcase_create("program_mark");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_same_files);
	tcase_add_loop_test(tcase, a_file_that_is_written_to, 0, 2);
	tcase_add_test(tcase, a_file_that_is_replaced);
	tcase_add_test(tcase, a_file_that_is_removed);
	tcase_add_test(tcase, a_file_of_its_own_does_not_count);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
