/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "master/tally.h"

#include "suite.h"

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

int main(void)
{
	return SUITE_RUN("tally", setup, no_rate_without_two_samples, only_the_last_seconds_count,
			 less_than_before_is_none, the_number_of_samples_may_wrap,
			 it_lives_as_long_as_anybody_has_it);
}
