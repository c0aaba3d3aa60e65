/* SPDX-License-Identifier: MIT */
/* The load average is read once a second, whatever the number of looks. */
#include "base/load_average.h"

#include <check.h>

#include "../suite.h"

static int64_t present;
static int reads;

static int64_t read_present(void)
{
	reads++;
	return present;
}

START_TEST(once_a_second)
{
	struct load_average load = {.read = read_present};

	present = 150;
	ck_assert_int_eq(load_average_look(&load, 5000), 150);
	present = 250;
	ck_assert_int_eq(load_average_look(&load, 5000), 150);
	ck_assert_int_eq(load_average_look(&load, 5999), 150);
	ck_assert_int_eq(reads, 1);
	ck_assert_int_eq(load_average_look(&load, 6000), 250);
	present = -1; /* the kernel does not tell */
	ck_assert_int_eq(load_average_look(&load, 6001), 250);
	ck_assert_int_eq(load_average_look(&load, 60000), -1);
	ck_assert_int_eq(load_average_look(&load, 60001), -1);
	ck_assert_int_eq(reads, 3);
}
END_TEST

START_TEST(the_first_second_of_the_clock)
{
	struct load_average load = {.read = read_present};

	present = 7;
	ck_assert_int_eq(load_average_look(&load, 0), 7);
	present = 8;
	ck_assert_int_eq(load_average_look(&load, 999), 7);
	ck_assert_int_eq(reads, 1);
}
END_TEST

/* The kernel's own words for the same numbers have two digits, too. */
START_TEST(what_the_kernel_says)
{
	struct load_average load = {0};
	int64_t hundredths = load_average_look(&load, 1);

	ck_assert_int_ge(hundredths, 0);
	ck_assert_int_lt(hundredths, 100000 * 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load_average");
	TCase *tc = tcase_create("load_average");

	tcase_add_test(tc, once_a_second);
	tcase_add_test(tc, the_first_second_of_the_clock);
	tcase_add_test(tc, what_the_kernel_says);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
