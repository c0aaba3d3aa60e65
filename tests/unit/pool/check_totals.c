/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <preforkd/module.h>
#include <stdio.h>

#include "pool/totals.h"

#include "../suite.h"

static struct tally *tally;

static void setup(void)
{
	tally = tally_new();
	ck_assert_ptr_nonnull(tally);
}

static void expect(double rate)
{
	ck_assert_double_eq_tol(tally_rate(tally), rate, 1e-9);
}

START_TEST(no_rate_without_two_samples)
{
	expect(0);
	tally_sample(tally, 1000);
	expect(0);
	tally_sample(tally, 1010);
	expect(10);
	tally_unref(&tally);
	ck_assert_ptr_null(tally);
	tally_unref(&tally); /* of none */
}
END_TEST

START_TEST(only_the_last_seconds_count)
{
	uint64_t accepted = 0;

	for (int i = 0; i < 100; i++)
		tally_sample(tally, accepted += 1000);
	expect(1000);
	for (int i = 0; i < TALLY_SECONDS; i++)
		tally_sample(tally, accepted += 8);
	expect(8);
	for (int i = 0; i < TALLY_SECONDS / 2; i++)
		tally_sample(tally, accepted);
	expect(4);
	for (int i = 0; i < TALLY_SECONDS; i++)
		tally_sample(tally, accepted);
	expect(0);
	tally_unref(&tally);
}
END_TEST

/* A worker that went mad may have written anything into its slot. */
START_TEST(less_than_before_is_none)
{
	tally_sample(tally, 1000);
	tally_sample(tally, 10);
	expect(0);
	tally_unref(&tally);
}
END_TEST

START_TEST(the_number_of_samples_may_wrap)
{
	tally->n_samples = UINT_MAX - 3;
	for (int i = 0; i < 64; i++)
		tally_sample(tally, (uint64_t)i * 5);
	ck_assert_double_ge(tally_rate(tally), 0);
	for (int i = 64; i < 64 + 2 * TALLY_SECONDS; i++)
		tally_sample(tally, (uint64_t)i * 5);
	expect(5);
	tally_unref(&tally);
}
END_TEST

START_TEST(it_lives_as_long_as_anybody_has_it)
{
	struct tally *other = tally_ref(tally);

	other->gone.crashes = 7;
	tally_unref(&tally);
	ck_assert_uint_eq(other->gone.crashes, 7);
	tally_unref(&other);
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

	tally_own_add(tally, "hits", 2, &own);
	tally_own_add(tally, "misses", 1, &own);
	tally_own_add(tally, "hits", 3, &own);
	ck_assert_uint_eq(tally_own(tally, "hits"), 5);
	ck_assert_uint_eq(tally_own(tally, "misses"), 1);
	ck_assert_uint_eq(tally_own(tally, "others"), 0);
	for (int i = 0; i < 3 * TALLY_OWN; i++) {
		(void)snprintf(name, sizeof(name), "new%d", i);
		own = names("hits", name);
		tally_own_add(tally, name, 7, &own);
		ck_assert_uint_eq(tally_own(tally, name), 7);
		ck_assert_uint_eq(tally_own(tally, "hits"), 5);
	}
	tally_unref(&tally);
}
END_TEST

START_TEST(names_of_a_table)
{
	static const struct preforkd_counter counters[] = {{.name = "a"}, {.name = "b"}, {.name = NULL}};
	const struct preforkd_module module = {.counters = counters};
	struct own_names own = own_names_of(&module);

	ck_assert_str_eq(own.name[0], "a");
	ck_assert_str_eq(own.name[1], "b");
	ck_assert_str_eq(own.name[2], "");
	own = own_names_of(NULL);
	ck_assert_str_eq(own.name[0], "");
	tally_unref(&tally);
}
END_TEST

int main(void)
{
	return SUITE_RUN("tally", setup, no_rate_without_two_samples, only_the_last_seconds_count,
			 less_than_before_is_none, the_number_of_samples_may_wrap, it_lives_as_long_as_anybody_has_it,
			 own_counters_by_name, names_of_a_table);
}
