/* SPDX-License-Identifier: MIT */
/* The times of a service as the master keeps them: a clock that jumps, and a time zone that changes. */
#include "pool/pool_hours.h"

#include <check.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/week.h"
#include "config/config.h"

#include "../suite.h"

#define DAY    (24 * 60 * 60)
#define NOON   (INT64_C(20000) * DAY + 12 * 60 * 60)
#define BEGINS (INT64_C(20000) * DAY + 8 * 60 * 60)
#define ENDS   (INT64_C(20000) * DAY + 18 * 60 * 60)

static struct week_range range;
static struct config_access access_of;
static struct pool_hours hours;

static void setup(void)
{
	struct err err;

	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	ck_assert_int_eq(week_parse("08:00-18:00", &range, &err), 0);
	access_of = (struct config_access){.times = &range, .n_times = 1};
	hours = (struct pool_hours){0};
}

static void look(int64_t now)
{
	pool_hours_look(&hours, &access_of, now);
}

START_TEST(it_closes_and_opens)
{
	look(NOON);
	ck_assert(hours.open && hours.until == ENDS);
	look(ENDS - 1);
	ck_assert(hours.open && hours.until == ENDS);
	look(ENDS);
	ck_assert(!hours.open && hours.until == BEGINS + DAY);
	look(BEGINS + DAY);
	ck_assert(hours.open && hours.until == ENDS + DAY);
}
END_TEST

/* Between two looks at the time zone numbers are compared only. */
START_TEST(it_looks_now_and_then)
{
	look(NOON);
	for (int i = 0; i < 10; i++) {
		look(NOON + i);
		ck_assert_int_eq(hours.looked, NOON);
	}
	look(NOON + 10);
	ck_assert_int_eq(hours.looked, NOON + 10);
}
END_TEST

START_TEST(the_clock_jumps)
{
	look(NOON);
	look(NOON - 6 * 60 * 60);
	ck_assert(!hours.open && hours.until == BEGINS);
	look(NOON + DAY);
	ck_assert(hours.open && hours.until == ENDS + DAY);
	look(NOON);
	ck_assert(hours.open && hours.until == ENDS);
	look(NOON - 1);
	ck_assert(hours.open && hours.looked == NOON - 1);
}
END_TEST

START_TEST(the_time_zone_changes)
{
	look(NOON);
	ck_assert(hours.open);
	ck_assert_int_eq(setenv("TZ", "<+08>-8", 1), 0); /* 20:00 there */
	look(NOON + 10);
	ck_assert(!hours.open);
	ck_assert_int_eq(hours.until, BEGINS + DAY - 8 * 60 * 60);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool_hours");
	TCase *tc = tcase_create("pool_hours");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, it_closes_and_opens);
	tcase_add_test(tc, it_looks_now_and_then);
	tcase_add_test(tc, the_clock_jumps);
	tcase_add_test(tc, the_time_zone_changes);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
