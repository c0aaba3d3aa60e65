/* SPDX-License-Identifier: MIT */
#include "base/parse.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "../suite.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct good {
	const char *text;
	int64_t value;
};

typedef int parser(const char *text, int64_t *out, struct err *err);

static void expect_good(parser *parse, const struct good *good)
{
	struct err err = {.text = ""};
	int64_t value = -77;

	ck_assert_msg(parse(good->text, &value, &err) == 0, "%s: %s", good->text, err.text);
	ck_assert_msg(value == good->value, "%s: %" PRId64, good->text, value);
}

/* A refusal says something, and leaves the value alone. */
static void expect_bad(parser *parse, const char *text)
{
	struct err err = {.text = ""};
	int64_t value = -77;

	ck_assert_msg(parse(text, &value, &err) == -1, "\"%s\" was taken as %" PRId64, text, value);
	ck_assert_msg(err.text[0] != '\0', "%s", text);
	ck_assert_int_eq(value, -77);
	ck_assert_int_eq(parse(text, &value, NULL), -1);
}

static const struct good integers[] = {
	{"0", 0},
	{"-0", 0},
	{"+7", 7},
	{"-7", -7},
	{"007", 7},
	{"9223372036854775807", INT64_MAX},
	{"-9223372036854775808", INT64_MIN},
};
static const char *const bad_integers[] = {
	"",
	"-",
	"+",
	"--1",
	"1 ",
	" 1",
	"1.0",
	"0x10",
	"12a",
	"9223372036854775808",
	"-9223372036854775809",
	"99999999999999999999999",
	"1\n",
};

START_TEST(integer_good)
{
	expect_good(parse_integer, &integers[_i]);
}
END_TEST

START_TEST(integer_bad)
{
	expect_bad(parse_integer, bad_integers[_i]);
}
END_TEST

static const struct good durations[] = {
	{"0", 0},
	{"unlimited", 0},
	{"5", 5000},
	{"1.5", 1500},
	{"500ms", 500},
	{"30s", 30000},
	{"1.5s", 1500},
	{"1.500000000000s", 1500},
	{"5min", 300000},
	{"1h", 3600000},
	{"1h30min", 5400000},
	{"2d", 172800000},
	{"1d2h3min4s5ms", 93784005},
	{"0.5d", 43200000},
	{"0.001s", 1},
	{"9223372036854775807ms", INT64_MAX},
};
static const char *const bad_durations[] = {
	"",
	"s",
	"-1s",
	"-1",
	"1m",
	"1 s",
	" 1s",
	"1s ",
	"30min1h",
	"1s1s",
	"1h30",
	"1.5ms",
	"0.0001s",
	"1.s",
	".5s",
	"1.2.3s",
	"9223372036854775808ms",
	"106751991168d",
	"9223372036854775807",
	"99999999999999999999",
	"Unlimited",
	"1S",
	"0.00000000001d",
	"1e3",
	"5 minutes",
	"9223372036854775807ms1",
	"106751991167d23h59min",
	"1\n",
};

START_TEST(duration_good)
{
	expect_good(parse_duration, &durations[_i]);
}
END_TEST

START_TEST(duration_bad)
{
	expect_bad(parse_duration, bad_durations[_i]);
}
END_TEST

static const struct good sizes[] = {
	{"0", 0},	    {"unlimited", 0},	      {"4096", 4096},
	{"64K", 65536},	    {"64k", 65536},	      {"10M", 10485760},
	{"2G", 2147483648}, {"1T", INT64_C(1) << 40}, {"9223372036854775807", INT64_MAX},
};
static const char *const bad_sizes[] = {
	"", "K", "-1", "1KB", "1 K", "1.5M", "9223372036854775808", "9007199254740993K", "8388608T", "1Q",
};

START_TEST(size_good)
{
	expect_good(parse_size, &sizes[_i]);
}
END_TEST

START_TEST(size_bad)
{
	expect_bad(parse_size, bad_sizes[_i]);
}
END_TEST

START_TEST(modes)
{
	static const char *const bad[] = {"", "8", "0x1", "10000", "-1", "0660 ", "rw", "77777777777777777777"};
	struct err err;
	mode_t mode = 1;
	size_t i;

	ck_assert_int_eq(parse_mode("0660", &mode, &err), 0);
	ck_assert_uint_eq(mode, 0660);
	ck_assert_int_eq(parse_mode("7777", &mode, &err), 0);
	ck_assert_uint_eq(mode, 07777);
	ck_assert_int_eq(parse_mode("0", &mode, &err), 0);
	ck_assert_uint_eq(mode, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(parse_mode(bad[i], &mode, &err) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(formats)
{
	char text[32];

	format_duration(3600000, text, sizeof(text));
	ck_assert_str_eq(text, "1h");
	format_duration(5400000, text, sizeof(text));
	ck_assert_str_eq(text, "90min");
	format_duration(1500, text, sizeof(text));
	ck_assert_str_eq(text, "1500ms");
	format_duration(0, text, sizeof(text));
	ck_assert_str_eq(text, "0");
	format_size(65536, text, sizeof(text));
	ck_assert_str_eq(text, "64K");
	format_size(1000, text, sizeof(text));
	ck_assert_str_eq(text, "1000");
	format_size(0, text, sizeof(text));
	ck_assert_str_eq(text, "0");
}
END_TEST

static const struct {
	int64_t ms;
	const char *text;
} elapsed[] = {
	{-5, "0ms"},	    {0, "0ms"},		 {999, "999ms"},       {1000, "1s"},
	{3004, "3s"},	    {3100, "3.1s"},	 {59999, "59.9s"},     {60000, "1min"},
	{125500, "2min5s"}, {3600000, "1h"},	 {4200000, "1h10min"}, {86399999, "23h59min"},
	{86400000, "1d"},   {273600000, "3d4h"},
};

START_TEST(formats_elapsed)
{
	char text[32];
	int64_t ms;

	format_elapsed(elapsed[_i].ms, text, sizeof(text));
	ck_assert_str_eq(text, elapsed[_i].text);
	ck_assert_int_eq(parse_duration(text, &ms, NULL), 0);
}
END_TEST

/* A value that is written is read back as the same, over the whole range. */
START_TEST(round_trip)
{
	uint64_t state = 12345;
	char text[32];
	int64_t in, out;
	int i;

	for (i = 0; i < 20000; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		in = (int64_t)((state >> 1) >> (state % 61));
		if (i % 3 == 0)
			in = in / 1000 * 1000;
		format_duration(in, text, sizeof(text));
		ck_assert_int_eq(parse_duration(text, &out, NULL), 0);
		ck_assert_int_eq(out, in);
		format_size(in, text, sizeof(text));
		ck_assert_int_eq(parse_size(text, &out, NULL), 0);
		ck_assert_int_eq(out, in);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t n, per_ms;
	const char *again;
} rates[] = {
	{"10/s", 10, 1000, "10/1s"},
	{"10/1s", 10, 1000, "10/1s"},
	{"100/1min", 100, 60000, "100/1min"},
	{"100/min", 100, 60000, "100/1min"},
	{"5/500ms", 5, 500, "5/500ms"},
	{"5/ms", 5, 1, "5/1ms"},
	{"7/60", 7, 60000, "7/1min"},
	{"7/90", 7, 90000, "7/90s"},
	{"7/1min30s", 7, 90000, "7/90s"},
	{"1/1d", 1, 86400000, "1/1d"},
	{"1000000/1ms", 1000000, 1, "1000000/1ms"},
	{"0", 0, 0, "0"},
	{"unlimited", 0, 0, "0"},
};

START_TEST(rate_good)
{
	struct rate rate = {.n = -1, .per_ms = -1}, again;
	struct err err = {.text = ""};
	char text[32];

	ck_assert_msg(parse_rate(rates[_i].text, &rate, &err) == 0, "%s: %s", rates[_i].text, err.text);
	ck_assert_int_eq(rate.n, rates[_i].n);
	ck_assert_int_eq(rate.per_ms, rates[_i].per_ms);
	format_rate(&rate, text, sizeof(text));
	ck_assert_str_eq(text, rates[_i].again);
	ck_assert_int_eq(parse_rate(text, &again, &err), 0);
	ck_assert(again.n == rate.n && again.per_ms == rate.per_ms);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_rates[] = {
	{"", "is not a rate"},
	{"10", "is not a rate"},
	{"/s", "is not a rate"},
	{"10/", ""},
	{"10/0", "out of range"},
	{"10/unlimited", ""},
	{"0/s", "out of range"},
	{"-1/s", "out of range"},
	{"1000001/s", "out of range"},
	{"1/25h", "out of range"},
	{"1/2d", "out of range"},
	{"10 /s", ""},
	{"10/ s", ""},
	{"10/s ", ""},
	{"10/s/s", ""},
	{"10/S", ""},
	{"1.5/s", ""},
	{"x/s", ""},
	{"10/1x", ""},
	{"99999999999999999999/s", ""},
	{"00000000000000000000000000000001/s", "is not a rate"},
	/* cut off, this would be another time */
	{"1/000000000000000000000000000000000000000000000000000000000000000000001ms", "is not a rate"},
};

START_TEST(rate_bad)
{
	struct rate rate = {.n = 77, .per_ms = 77};
	struct err err = {.text = ""};

	ck_assert_msg(parse_rate(bad_rates[_i].text, &rate, &err) == -1, "%s", bad_rates[_i].text);
	ck_assert_msg(err.text[0] != '\0' && strstr(err.text, bad_rates[_i].says) != NULL, "%s: %s", bad_rates[_i].text,
		      err.text);
	ck_assert(rate.n == 77 && rate.per_ms == 77);
	ck_assert_int_eq(parse_rate(bad_rates[_i].text, &rate, NULL), -1);
}
END_TEST

static const struct good hundredths[] = {
	{"0", 0},      {"0.01", 1},  {"8.5", 850},    {"8.50", 850},
	{"8.05", 805}, {"12", 1200}, {"12.00", 1200}, {"unlimited", 0},
};

START_TEST(hundredths_good)
{
	char text[32];
	int64_t again = -1;

	expect_good(parse_hundredths, &hundredths[_i]);
	format_hundredths(hundredths[_i].value, text, sizeof(text));
	ck_assert_int_eq(parse_hundredths(text, &again, NULL), 0);
	ck_assert_int_eq(again, hundredths[_i].value);
}
END_TEST

static const char *const bad_hundredths[] = {
	"", "-1", "+1", ".5", "1.", "1.234", "1,5", "1.5 ", "99999999999999999999", "92233720368547758.08", "nan",
};

START_TEST(hundredths_bad)
{
	expect_bad(parse_hundredths, bad_hundredths[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parse");
	TCase *tc = tcase_create("parse");

	tcase_add_loop_test(tc, integer_good, 0, ARRAY_SIZE(integers));
	tcase_add_loop_test(tc, integer_bad, 0, ARRAY_SIZE(bad_integers));
	tcase_add_loop_test(tc, duration_good, 0, ARRAY_SIZE(durations));
	tcase_add_loop_test(tc, duration_bad, 0, ARRAY_SIZE(bad_durations));
	tcase_add_loop_test(tc, size_good, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, size_bad, 0, ARRAY_SIZE(bad_sizes));
	tcase_add_loop_test(tc, hundredths_good, 0, ARRAY_SIZE(hundredths));
	tcase_add_loop_test(tc, hundredths_bad, 0, ARRAY_SIZE(bad_hundredths));
	tcase_add_loop_test(tc, rate_good, 0, ARRAY_SIZE(rates));
	tcase_add_loop_test(tc, rate_bad, 0, ARRAY_SIZE(bad_rates));
	tcase_add_test(tc, modes);
	tcase_add_test(tc, formats);
	tcase_add_loop_test(tc, formats_elapsed, 0, ARRAY_SIZE(elapsed));
	tcase_add_test(tc, round_trip);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
