/* SPDX-License-Identifier: MIT */
/* When exchanges are due, by a clock that we set. */
#include "../../../client/load_pace.h"

#include "../suite.h"

#define MS UINT64_C(1000000)

START_TEST(closed_loop_is_always_due)
{
	struct load_pace pace = {.total = 10};

	ck_assert_uint_eq(load_pace_due(&pace, 0), 10);
	pace.total = UINT64_MAX;
	ck_assert_uint_eq(load_pace_due(&pace, 0), UINT64_MAX);
}
END_TEST

START_TEST(open_loop_goes_by_the_clock)
{
	struct load_pace pace = {.rate = 100, .total = UINT64_MAX};

	ck_assert_uint_eq(load_pace_due(&pace, 0), 1);
	ck_assert_uint_eq(load_pace_due(&pace, 10 * MS - 1), 1);
	ck_assert_uint_eq(load_pace_due(&pace, 10 * MS), 2);
	ck_assert_uint_eq(load_pace_due(&pace, 1000 * MS), 101);
	ck_assert_uint_eq(load_pace_time(&pace, 100), 1000 * MS);
}
END_TEST

/* At every rate the exchange that is due now has a time that is not later, and the next one has a later time. */
START_TEST(time_and_number_agree)
{
	static const double rates[] = {0.7, 3, 333, 12345.678, 1e6};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct load_pace pace = {.rate = rates[i], .total = UINT64_MAX, .first_ns = 17};

		for (uint64_t k = 0; k < 100000; k += 7) {
			uint64_t at = load_pace_time(&pace, k);

			ck_assert_uint_eq(load_pace_due(&pace, at), k + 1);
			ck_assert_uint_eq(load_pace_due(&pace, at - 1), k);
		}
	}
}
END_TEST

START_TEST(run_ends)
{
	struct load_pace pace = {.rate = 100, .total = 5, .duration_ns = 1000 * MS};

	ck_assert_uint_eq(load_pace_due(&pace, 5000 * MS), 5);
	pace.total = UINT64_MAX;
	/* 0, 10, ... 990 ms */
	ck_assert_uint_eq(load_pace_due(&pace, 1000 * MS), 100);
	ck_assert_uint_eq(load_pace_due(&pace, 5000 * MS), 100);
}
END_TEST

/* Three threads with a third of the rate, each a step later, are one stream. */
START_TEST(threads_take_turns)
{
	struct load_pace pace = {.rate = 100, .total = UINT64_MAX, .first_ns = 3 * MS};

	ck_assert_uint_eq(load_pace_due(&pace, 3 * MS - 1), 0);
	ck_assert_uint_eq(load_pace_due(&pace, 3 * MS), 1);
	ck_assert_uint_eq(load_pace_time(&pace, 1), 13 * MS);
}
END_TEST

int main(void)
{
	return SUITE_RUN("load_pace", NULL, closed_loop_is_always_due, open_loop_goes_by_the_clock,
			 time_and_number_agree, run_ends, threads_take_turns);
}
