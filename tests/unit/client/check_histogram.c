/* SPDX-License-Identifier: MIT */
/* Percentiles from the histogram beside those of the sorted values themselves. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../../client/histogram.h"

#include "../suite.h"

#define VALUES 100000

static struct histogram h;
static uint64_t values[VALUES];
static uint64_t seed;

static void setup(void)
{
	histogram_init(&h);
	seed = 88172645463325252U;
}

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Never below the exact percentile, and above it by less than one step. */
static void check_against_exact(size_t n)
{
	static const struct {
		double percent;
		size_t per_mille;
	} wanted[] = {{0, 0}, {0.1, 1}, {10, 100}, {50, 500}, {90, 900}, {99, 990}, {99.9, 999}, {100, 1000}};

	qsort(values, n, sizeof(values[0]), compare);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		size_t rank = (wanted[i].per_mille * n + 999) / 1000;
		uint64_t exact = values[rank == 0 ? 0 : rank - 1];
		uint64_t got = histogram_percentile(&h, wanted[i].percent);

		ck_assert_msg(got >= exact && got - exact <= exact / HISTOGRAM_STEPS, "p%g of %zu: %llu, exactly %llu",
			      wanted[i].percent, n, (unsigned long long)got, (unsigned long long)exact);
	}
	ck_assert_uint_eq(h.count, n);
	ck_assert_uint_eq(h.min, values[0]);
	ck_assert_uint_eq(h.max, values[n - 1]);
	ck_assert_uint_eq(histogram_percentile(&h, 100), values[n - 1]);
}

START_TEST(percentiles_of_many_magnitudes)
{
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = random64() >> (random64() % 64);
		histogram_add(&h, values[i]);
	}
	check_against_exact(VALUES);
}
END_TEST

START_TEST(percentiles_of_latencies)
{
	/* about 50 microseconds, and a few long ones */
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = 50000 + random64() % 20000;
		if (i % 997 == 0)
			values[i] += random64() % 1000000000;
		histogram_add(&h, values[i]);
	}
	check_against_exact(VALUES);
}
END_TEST

START_TEST(percentiles_of_few)
{
	for (size_t n = 1; n <= 1100; n += n < 20 ? 1 : 90) {
		histogram_init(&h);
		for (size_t i = 0; i < n; i++) {
			values[i] = random64() % 1000000;
			histogram_add(&h, values[i]);
		}
		check_against_exact(n);
	}
}
END_TEST

START_TEST(small_values_are_exact)
{
	for (uint64_t v = 0; v < 2 * HISTOGRAM_STEPS; v++)
		ck_assert_uint_eq(histogram_upper(histogram_bucket(v)), v);
}
END_TEST

START_TEST(buckets_leave_no_gap)
{
	size_t i;

	for (i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t upper = histogram_upper(i);

		ck_assert_uint_eq(histogram_bucket(upper), i);
		ck_assert_uint_eq(histogram_bucket(upper + 1), i + 1);
	}
	ck_assert_uint_eq(histogram_upper(i), UINT64_MAX);
	ck_assert_uint_eq(histogram_bucket(UINT64_MAX), i);
}
END_TEST

START_TEST(empty_one_has_nothing)
{
	ck_assert_uint_eq(histogram_percentile(&h, 50), 0);
	ck_assert(fabs(histogram_mean(&h)) < 1e-9);
}
END_TEST

START_TEST(merged_equals_one)
{
	static struct histogram half[2];

	histogram_init(&half[0]);
	histogram_init(&half[1]);
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = random64() % 5000000;
		histogram_add(&half[i % 2], values[i]);
	}
	histogram_merge(&h, &half[0]);
	histogram_merge(&h, &half[1]);
	check_against_exact(VALUES);
	ck_assert(fabs(histogram_mean(&h) - (histogram_mean(&half[0]) + histogram_mean(&half[1])) / 2) < 1e-3);
}
END_TEST

int main(void)
{
	return SUITE_RUN("histogram", setup, percentiles_of_many_magnitudes, percentiles_of_latencies,
			 percentiles_of_few, small_values_are_exact, buckets_leave_no_gap, empty_one_has_nothing,
			 merged_equals_one);
}
