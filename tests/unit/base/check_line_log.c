/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/line_log.h"
#include "base/log.h"

#include "../suite.h"

#define PER_SECOND 100

static char lines[512][LINE_LOG_LINE + 8];
static int priorities[512];
static size_t n_lines;
static struct line_log it;

static void keep_line(void *userdata, int priority, const char *text)
{
	ck_assert_ptr_eq(userdata, &n_lines);
	ck_assert_uint_lt(n_lines, 512);
	priorities[n_lines] = priority;
	(void)snprintf(lines[n_lines++], sizeof(lines[0]), "%s", text);
}

static void setup(void)
{
	it = (struct line_log){
		.source = "the test", .per_second = PER_SECOND, .write = keep_line, .userdata = &n_lines};
}

static void add(const char *text)
{
	line_log_add(&it, text, strlen(text));
}

START_TEST(lines_in_pieces)
{
	add("on");
	ck_assert_uint_eq(n_lines, 0);
	add("e\ntwo\n\n\nthr");
	ck_assert_uint_eq(n_lines, 2);
	ck_assert_str_eq(lines[0], "one");
	ck_assert_str_eq(lines[1], "two");
	line_log_finish(&it);
	line_log_finish(&it);
	ck_assert_uint_eq(n_lines, 3);
	ck_assert_str_eq(lines[2], "thr");
	ck_assert_int_eq(priorities[2], LOG_NOTICE | LOG_ALWAYS);
}
END_TEST

/* As sd-daemon(3) says; what only looks like a priority is text. */
START_TEST(priorities_in_front)
{
	add("<3>error\n<7>debug\n<0>emergency\n<8>eight\n<13>user\n<3 >x\n <3>y\n<4>\n<6");
	line_log_finish(&it);
	ck_assert_uint_eq(n_lines, 8);
	ck_assert_int_eq(priorities[0], LOG_ERR);
	ck_assert_str_eq(lines[0], "error");
	ck_assert_int_eq(priorities[1], LOG_DEBUG);
	ck_assert_int_eq(priorities[2], LOG_ALERT);
	ck_assert_str_eq(lines[3], "<8>eight");
	ck_assert_str_eq(lines[4], "<13>user");
	ck_assert_str_eq(lines[5], "<3 >x");
	ck_assert_str_eq(lines[6], " <3>y");
	ck_assert_str_eq(lines[7], "<6");
	ck_assert_int_eq(priorities[7], LOG_NOTICE | LOG_ALWAYS);
}
END_TEST

START_TEST(nul_bytes_are_blanks)
{
	line_log_add(&it, "a\0b\n", 4);
	ck_assert_str_eq(lines[0], "a b");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char text[3 * LINE_LOG_LINE];

	memset(text, 'x', sizeof(text));
	line_log_add(&it, text, LINE_LOG_LINE);
	add("\n");
	ck_assert_uint_eq(strlen(lines[0]), LINE_LOG_LINE);
	line_log_add(&it, text, sizeof(text));
	add("\nshort\n");
	ck_assert_uint_eq(n_lines, 3);
	ck_assert_uint_eq(strlen(lines[1]), LINE_LOG_LINE + 3);
	ck_assert_str_eq(lines[1] + LINE_LOG_LINE, "...");
	ck_assert_str_eq(lines[2], "short");
}
END_TEST

/* Begins with a new second, so that all lines are in one. */
START_TEST(too_many_are_counted)
{
	int64_t second = clock_coarse_ms() / 1000;

	while (clock_coarse_ms() / 1000 == second)
		;
	for (int i = 0; i < PER_SECOND + 7; i++)
		add("line\n");
	ck_assert_uint_eq(n_lines, PER_SECOND);
	line_log_finish(&it);
	ck_assert_uint_eq(n_lines, PER_SECOND + 1);
	ck_assert_str_eq(lines[PER_SECOND], "7 more lines of the test are not shown (program.log_rate = 100)");
	ck_assert_int_eq(priorities[PER_SECOND], LOG_WARNING);
	line_log_finish(&it);
	ck_assert_uint_eq(n_lines, PER_SECOND + 1);
}
END_TEST

START_TEST(no_limit)
{
	it.per_second = 0;
	for (int i = 0; i < 4 * PER_SECOND; i++)
		add("line\n");
	line_log_finish(&it);
	ck_assert_uint_eq(n_lines, 4 * PER_SECOND);
}
END_TEST

START_TEST(next_second_begins_anew)
{
	int64_t second;

	for (int i = 0; i < 2 * PER_SECOND + 7; i++)
		add("line\n");
	second = clock_coarse_ms() / 1000;
	n_lines = 0;
	while (clock_coarse_ms() / 1000 == second)
		;
	add("next\n");
	ck_assert_uint_eq(n_lines, 2);
	ck_assert_ptr_nonnull(strstr(lines[0], " more lines of the test are not shown"));
	ck_assert_str_eq(lines[1], "next");
}
END_TEST

int main(void)
{
	return SUITE_RUN("line_log", setup, lines_in_pieces, nul_bytes_are_blanks, long_lines_are_cut,
			 too_many_are_counted, no_limit, next_second_begins_anew, priorities_in_front);
}
