/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/err.h"

#include "../suite.h"

START_TEST(set_has_no_code)
{
	struct err err = {.code = 1};

	errno = EPERM;
	ck_assert_int_eq(err_set(&err, "no %s", "room"), -1);
	ck_assert_str_eq(err.text, "no room");
	ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(sys_takes_errno)
{
	struct err err;

	errno = ENOENT;
	ck_assert_int_eq(err_sys(&err, "cannot open %s", "x"), -1);
	ck_assert_str_eq(err.text, "cannot open x: No such file or directory");
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(code_takes_its_argument)
{
	struct err err;

	errno = ENOENT;
	ck_assert_int_eq(err_code(&err, EPERM, "cannot open %s", "x"), -1);
	ck_assert_str_eq(err.text, "cannot open x: Operation not permitted");
	ck_assert_int_eq(err.code, EPERM);
	ck_assert_int_eq(errno, EPERM);
	errno = ENOENT;
	ck_assert_int_eq(err_code(NULL, EPERM, "cannot"), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* The text is cut, never longer than its field. */
START_TEST(long_text_is_cut)
{
	char text[2 * sizeof(((struct err *)NULL)->text)];
	struct err err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_code(&err, EPERM, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("err", NULL, set_has_no_code, sys_takes_errno, code_takes_its_argument, long_text_is_cut);
}
