/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <preforkd/module.h>
#include <stdio.h>

#include "pool/totals.h"

#include "../suite.h"

static struct totals *totals;

static void setup(void)
{
	totals = totals_new();
	ck_assert_ptr_nonnull(totals);
}

static void expect(double rate)
{
	ck_assert_double_eq_tol(totals_rate(totals), rate, 1e-9);
}

START_TEST(no_rate_without_two_samples)
{
	expect(0);
	totals_sample(totals, 1000);
	expect(0);
	totals_sample(totals, 1010);
	expect(10);
	totals_unref(&totals);
	ck_assert_ptr_null(totals);
	totals_unref(&totals); /* of none */
}
END_TEST

START_TEST(only_the_last_seconds_count)
{
	uint64_t accepted = 0;

	for (int i = 0; i < 100; i++)
		totals_sample(totals, accepted += 1000);
	expect(1000);
	for (int i = 0; i < TOTALS_SECONDS; i++)
		totals_sample(totals, accepted += 8);
	expect(8);
	for (int i = 0; i < TOTALS_SECONDS / 2; i++)
		totals_sample(totals, accepted);
	expect(4);
	for (int i = 0; i < TOTALS_SECONDS; i++)
		totals_sample(totals, accepted);
	expect(0);
	totals_unref(&totals);
}
END_TEST

/* A worker that went mad may have written anything into its slot. */
START_TEST(less_than_before_is_none)
{
	totals_sample(totals, 1000);
	totals_sample(totals, 10);
	expect(0);
	totals_unref(&totals);
}
END_TEST

START_TEST(the_number_of_samples_may_wrap)
{
	totals->n_samples = UINT_MAX - 3;
	for (int i = 0; i < 64; i++)
		totals_sample(totals, (uint64_t)i * 5);
	ck_assert_double_ge(totals_rate(totals), 0);
	for (int i = 64; i < 64 + 2 * TOTALS_SECONDS; i++)
		totals_sample(totals, (uint64_t)i * 5);
	expect(5);
	totals_unref(&totals);
}
END_TEST

START_TEST(it_lives_as_long_as_anybody_has_it)
{
	struct totals *other = totals_ref(totals);

	other->gone.crashes = 7;
	totals_unref(&totals);
	ck_assert_uint_eq(other->gone.crashes, 7);
	totals_unref(&other);
}
END_TEST

static struct own_names names(const char *a, const char *b)
{
	struct own_names own = {.name = {""}};

	(void)snprintf(own.name[0], OWN_NAME_MAX, "%s", a);
	(void)snprintf(own.name[1], OWN_NAME_MAX, "%s", b);
	return own;
}

/* Another generation of a module may have others, again and again. */
START_TEST(own_counters_by_name)
{
	struct own_names own = names("hits", "misses");
	char name[OWN_NAME_MAX];

	totals_own_add(totals, "hits", 2, &own);
	totals_own_add(totals, "misses", 1, &own);
	totals_own_add(totals, "hits", 3, &own);
	ck_assert_uint_eq(totals_own(totals, "hits"), 5);
	ck_assert_uint_eq(totals_own(totals, "misses"), 1);
	ck_assert_uint_eq(totals_own(totals, "others"), 0);
	for (int i = 0; i < 3 * TOTALS_OWN; i++) {
		(void)snprintf(name, sizeof(name), "new%d", i);
		own = names("hits", name);
		totals_own_add(totals, name, 7, &own);
		ck_assert_uint_eq(totals_own(totals, name), 7);
		ck_assert_uint_eq(totals_own(totals, "hits"), 5);
	}
	totals_unref(&totals);
}
END_TEST

START_TEST(names_of_a_table)
{
	static const struct preforkd_counter counters[] = {{.name = "a"}, {.name = "b"}, {.name = NULL}};
	const struct preforkd_module module = {.counters = counters};
	struct own_names own = totals_own_names(&module);

	ck_assert_str_eq(own.name[0], "a");
	ck_assert_str_eq(own.name[1], "b");
	ck_assert_str_eq(own.name[2], "");
	own = totals_own_names(NULL);
	ck_assert_str_eq(own.name[0], "");
	totals_unref(&totals);
}
END_TEST

int main(void)
{
	return SUITE_RUN("totals", setup, no_rate_without_two_samples, only_the_last_seconds_count,
			 less_than_before_is_none, the_number_of_samples_may_wrap, it_lives_as_long_as_anybody_has_it,
			 own_counters_by_name, names_of_a_table);
}
