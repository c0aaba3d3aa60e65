/* SPDX-License-Identifier: MIT */
/* Times of the week: as people write them, and on days when the clocks are put forward or back. */
#include "base/week.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#include "../suite.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BERLIN	      "CET-1CEST,M3.5.0,M10.5.0/3" /* the rule of Europe/Berlin, which need not be installed */
#define RANGES_MOST   4

/* ---- as people write them ---- */

enum { SUN = 1, MON = 2, TUE = 4, WED = 8, THU = 16, FRI = 32, SAT = 64, ALL = 127 };

static const struct {
	const char *text;
	struct week_range range;
} good[] = {
	{"08:00-18:00", {ALL, 480, 1080}},
	{"8:00-18:00", {ALL, 480, 1080}},
	{"00:00-24:00", {ALL, 0, 1440}},
	{"22:00-06:00", {ALL, 1320, 360}},
	{"22:00-00:00", {ALL, 1320, 0}},
	{"Mon-Fri 08:00-18:00", {MON | TUE | WED | THU | FRI, 480, 1080}},
	{"Sat 10:00-12:00", {SAT, 600, 720}},
	{"sat,SUN  10:00-12:00", {SAT | SUN, 600, 720}},
	{"Fri-Mon 10:00-12:00", {FRI | SAT | SUN | MON, 600, 720}},
	{"Mon,Wed-Fri 10:00-12:01", {MON | WED | THU | FRI, 600, 721}},
	{"Monday-wednesday 23:59-24:00", {MON | TUE | WED, 1439, 1440}},
	{"Tue-Tue 00:00-00:01", {TUE, 0, 1}},
};

START_TEST(good_texts)
{
	struct week_range range = {0};
	struct err err = {.text = ""};

	ck_assert_msg(week_parse(good[_i].text, &range, &err) == 0, "%s: %s", good[_i].text, err.text);
	ck_assert_uint_eq(range.days, good[_i].range.days);
	ck_assert_int_eq(range.from, good[_i].range.from);
	ck_assert_int_eq(range.to, good[_i].range.to);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "no such day"},
	{"Mo 08:00-18:00", "no such day"},
	{"Mon-Fry 08:00-18:00", "no such day"},
	{"Mon, 08:00-18:00", "no such day"},
	{" 08:00-18:00", "no such day"},
	{"Mon", "after the days comes a time"},
	{"Mon-Tue-Wed 08:00-18:00", "after the days comes a time"},
	{"Mon08:00-18:00", "after the days comes a time"},
	{"Mon 8-18", "HH:MM-HH:MM"},
	{"Mon 08:00", "HH:MM-HH:MM"},
	{"Mon 08:0-18:00", "HH:MM-HH:MM"},
	{"Mon 008:00-18:00", "HH:MM-HH:MM"},
	{"08:60-18:00", "HH:MM-HH:MM"},
	{"08:00-24:01", "HH:MM-HH:MM"},
	{"08:00-25:00", "HH:MM-HH:MM"},
	{"08:00 - 18:00", "HH:MM-HH:MM"},
	{"-08:00-18:00", "no such day"},
	{"08:00-12:00 13:00-18:00", "a string of its own"},
	{"08:00-18:00h", "a string of its own"},
	{"24:00-06:00", "an end only"},
	{"08:00-08:00", "a whole day is 00:00-24:00"},
};

START_TEST(bad_texts)
{
	struct week_range range = {.days = 99};
	struct err err = {.text = ""};

	ck_assert_msg(week_parse(bad[_i].text, &range, &err) == -1, "%s", bad[_i].text);
	ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, err.text);
	ck_assert_uint_eq(range.days, 99);
}
END_TEST

/* ---- what is open when ---- */

/* "2026-03-29T00:59:59", in UTC. */
static int64_t utc(const char *text)
{
	struct tm tm = {0};

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	return timegm(&tm);
}

static const struct {
	const char *zone;
	const char *texts[RANGES_MOST];
	const char *now; /* UTC */
	bool open;
	const char *until; /* UTC; NULL: never */
} looks[] = {
	/* days, an end that is excluded, week ends */
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-11-30T07:59:59", false, "2026-11-30T08:00:00"}, /* a Monday */
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-11-30T08:00:00", true, "2026-11-30T18:00:00"},
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-11-30T17:59:59", true, "2026-11-30T18:00:00"},
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-11-30T18:00:00", false, "2026-12-01T08:00:00"},
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-12-04T18:00:00", false, "2026-12-07T08:00:00"}, /* a Friday */
	{"UTC", {"Mon-Fri 08:00-18:00"}, "2026-12-05T12:00:00", false, "2026-12-07T08:00:00"},
	{"UTC", {"Mon-Fri 08:00-18:00", "Sat 10:00-12:00"}, "2026-12-04T20:00:00", false, "2026-12-05T10:00:00"},
	{"UTC", {"Mon-Fri 08:00-18:00", "Sat 10:00-12:00"}, "2026-12-05T11:59:59", true, "2026-12-05T12:00:00"},
	{"UTC", {"Sun 10:00-12:00"}, "2026-12-06T12:00:00", false, "2026-12-13T10:00:00"},
	/* ranges that meet or overlap are one */
	{"UTC", {"08:00-12:00", "12:00-18:00"}, "2026-11-30T09:00:00", true, "2026-11-30T18:00:00"},
	{"UTC", {"08:00-12:07", "12:01-18:00"}, "2026-11-30T09:00:00", true, "2026-11-30T18:00:00"},
	{"UTC", {"08:01-08:02"}, "2026-11-30T08:00:30", false, "2026-11-30T08:01:00"},
	{"UTC", {"00:00-24:00"}, "2026-11-30T09:00:00", true, NULL},
	{"UTC", {"Mon-Sun 00:00-12:00", "12:00-24:00"}, "2026-11-30T09:00:00", true, NULL},
	/* across midnight: it belongs to the day on which it begins */
	{"UTC", {"Fri 22:00-06:00"}, "2026-12-04T05:00:00", false, "2026-12-04T22:00:00"},
	{"UTC", {"Fri 22:00-06:00"}, "2026-12-04T23:59:59", true, "2026-12-05T06:00:00"},
	{"UTC", {"Fri 22:00-06:00"}, "2026-12-05T05:59:59", true, "2026-12-05T06:00:00"},
	{"UTC", {"Fri 22:00-06:00"}, "2026-12-05T22:30:00", false, "2026-12-11T22:00:00"},
	{"UTC", {"Sat 22:00-06:00"}, "2026-12-06T03:00:00", true, "2026-12-06T06:00:00"}, /* Saturday to Sunday */
	{"UTC", {"Sun 22:00-00:00"}, "2026-12-06T23:00:00", true, "2026-12-07T00:00:00"},
	{"UTC", {"Mon-Fri 00:00-24:00"}, "2026-12-04T23:59:59", true, "2026-12-05T00:00:00"},
	{"UTC", {"Mon-Fri 00:00-24:00"}, "2026-12-01T12:00:00", true, "2026-12-05T00:00:00"},
	/* the end of a year, and a leap day, a Thursday */
	{"UTC", {"Thu 20:00-02:00"}, "2026-12-31T23:30:00", true, "2027-01-01T02:00:00"},
	{"UTC", {"Thu 08:00-18:00"}, "2024-02-28T23:59:59", false, "2024-02-29T08:00:00"},
	{"UTC", {"Thu 20:00-02:00"}, "2024-02-29T23:59:59", true, "2024-03-01T02:00:00"},
	/* other zones, one with a quarter of an hour */
	{BERLIN, {"Mon 08:00-18:00"}, "2026-11-30T07:00:00", true, "2026-11-30T17:00:00"},
	{BERLIN, {"Mon 00:00-02:00"}, "2026-11-29T23:30:00", true, "2026-11-30T01:00:00"},
	{"<+0545>-5:45", {"Mon 00:10-18:00"}, "2026-11-29T18:00:00", false, "2026-11-29T18:25:00"}, /* Kathmandu */
	{"<-12>12", {"Sun 08:00-18:00"}, "2026-11-30T05:00:00", true, "2026-11-30T06:00:00"},
	/* 29 March 2026: 02:00 to 03:00 does not occur; 01:00 UTC is 03:00 */
	{BERLIN, {"Sun 00:00-02:00"}, "2026-03-29T00:59:59", true, "2026-03-29T01:00:00"},
	{BERLIN, {"Sun 02:00-03:00"}, "2026-03-29T00:59:59", false, "2026-04-05T00:00:00"},
	{BERLIN, {"Sun 02:15-02:45"}, "2026-03-29T00:00:00", false, "2026-04-05T00:15:00"},
	{BERLIN, {"Sun 02:30-03:30"}, "2026-03-29T00:59:59", false, "2026-03-29T01:00:00"},
	{BERLIN, {"Sun 02:30-03:30"}, "2026-03-29T01:00:00", true, "2026-03-29T01:30:00"},
	{BERLIN, {"Sun 08:00-18:00"}, "2026-03-29T00:30:00", false, "2026-03-29T06:00:00"},
	{BERLIN, {"Sat 22:00-06:00"}, "2026-03-28T22:00:00", true, "2026-03-29T04:00:00"}, /* seven hours */
	/* 25 October 2026: 02:00 to 03:00 occurs twice; 01:00 UTC is 02:00 again */
	{BERLIN, {"Sun 02:30-03:30"}, "2026-10-25T00:29:59", false, "2026-10-25T00:30:00"},
	{BERLIN, {"Sun 02:30-03:30"}, "2026-10-25T00:30:00", true, "2026-10-25T01:00:00"},
	{BERLIN, {"Sun 02:30-03:30"}, "2026-10-25T01:00:00", false, "2026-10-25T01:30:00"},
	{BERLIN, {"Sun 02:30-03:30"}, "2026-10-25T01:30:00", true, "2026-10-25T02:30:00"},
	{BERLIN, {"Sun 02:00-03:00"}, "2026-10-25T00:00:00", true, "2026-10-25T02:00:00"}, /* two hours */
	{BERLIN, {"Sun 00:00-02:30"}, "2026-10-25T00:29:00", true, "2026-10-25T00:30:00"},
	{BERLIN, {"Sun 00:00-02:30"}, "2026-10-25T00:45:00", false, "2026-10-25T01:00:00"},
	{BERLIN, {"Sat 22:00-06:00"}, "2026-10-24T20:00:00", true, "2026-10-25T05:00:00"}, /* nine hours */
	{BERLIN, {"Mon-Fri 08:00-18:00"}, "2026-10-23T17:00:00", false, "2026-10-26T07:00:00"},
	/* Lord Howe Island puts its clocks forward by half an hour, on 4 October 2026 at 02:00 */
	{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
	 {"Sun 02:15-03:00"},
	 "2026-10-03T15:29:59",
	 false,
	 "2026-10-03T15:30:00"},
};

static size_t read_ranges(const char *const *texts, struct week_range *out)
{
	struct err err;
	size_t n = 0;

	while (n < RANGES_MOST && texts[n] != NULL) {
		ck_assert_msg(week_parse(texts[n], &out[n], &err) == 0, "%s: %s", texts[n], err.text);
		n++;
	}
	return n;
}

static void expect_look(int i)
{
	struct week_range ranges[RANGES_MOST];
	size_t n = read_ranges(looks[i].texts, ranges);
	int64_t wanted = looks[i].until != NULL ? utc(looks[i].until) : WEEK_NEVER, until = 0;
	bool open = week_look(ranges, n, utc(looks[i].now), &until);

	ck_assert_msg(open == looks[i].open, "%s at %s: %d", looks[i].texts[0], looks[i].now, open);
	ck_assert_msg(until == wanted, "%s at %s: until %" PRId64 ", and not %" PRId64, looks[i].texts[0], looks[i].now,
		      until, wanted);
}

static void set_zone(const char *zone)
{
	ck_assert_int_eq(setenv("TZ", zone, 1), 0);
	tzset();
}

START_TEST(open_and_closed)
{
	set_zone(looks[_i].zone);
	expect_look(_i);
	if (strcmp(looks[_i].zone, BERLIN) == 0 && access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0) {
		set_zone("Europe/Berlin");
		expect_look(_i);
	}
}
END_TEST

/* For every minute of the weeks in which the clocks change: `until` is the first minute with another answer. */
START_TEST(until_is_the_next_change)
{
	static const char *const begins[] = {"2026-03-26T00:00:00", "2026-10-22T00:00:00"};
	static const char *const texts[RANGES_MOST] = {"Fri-Sun 22:10-02:20", "Sun 02:40-03:50", "Tue 00:00-24:00"};
	int64_t begin = utc(begins[_i]), end = begin + 7 * 24 * 60 * 60, until, next = WEEK_NEVER;
	struct week_range ranges[RANGES_MOST];
	size_t n = read_ranges(texts, ranges);
	bool open, later;

	set_zone(BERLIN);
	later = week_look(ranges, n, end, &next);
	for (int64_t at = end - 60; at >= begin; at -= 60) {
		open = week_look(ranges, n, at, &until);
		if (open != later)
			next = at + 60;
		later = open;
		ck_assert_msg(until == next, "at %" PRId64 ": %" PRId64 ", and not %" PRId64, at, until, next);
	}
}
END_TEST

START_TEST(a_clock_without_a_date)
{
	struct week_range range;
	struct err err;
	int64_t until;

	ck_assert_int_eq(week_parse("00:00-24:00", &range, &err), 0);
	ck_assert(!week_look(&range, 1, -5, &until));
	ck_assert(!week_look(&range, 1, INT64_MAX / 2, &until));
	ck_assert(week_look(&range, 1, 0, &until));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("week");
	TCase *tc = tcase_create("week");

	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_loop_test(tc, good_texts, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tc, bad_texts, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(tc, open_and_closed, 0, ARRAY_SIZE(looks));
	tcase_add_loop_test(tc, until_is_the_next_change, 0, 2);
	tcase_add_test(tc, a_clock_without_a_date);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
