/* SPDX-License-Identifier: MIT */
/* The table of sources: rates and penalties. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "board/sources.h"
#include "board/sources_map.h"
#include "board/sources_records.h"

#include "../peers.h"
#include "../suite.h"
#include "sources_case.h"

/* ---- rates ---- */

START_TEST(a_bucket_fills_and_leaks)
{
	const struct rate rate = {.n = 5, .per_ms = 1000};

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 0);
	for (int i = 0; i < 100; i++) /* refused clients take nothing */
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 200000);
	ck_assert_int_eq(sources_rate_wait(sources, 42, &rate, NOW_US + 1), 199999);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 199999, &untracked), 1);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 200000, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 200000, &untracked), 200000);
	/* another source has a rate of its own, and so has the service */
	ck_assert_int_eq(sources_rate_take(sources, 43, &rate, NOW_US, &untracked), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 200000);
	ck_assert_int_eq(sources_rate_wait(sources, 0, &rate, NOW_US), 200000);
	ck_assert(!untracked);
	/* after a long time the bucket is empty, and no more than empty */
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 3600 * SECOND_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 3600 * SECOND_US, &untracked), 200000);
}
END_TEST

START_TEST(no_rate_is_no_limit)
{
	const struct rate rate = {.n = 0};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_wait(sources, 42, &rate, NOW_US), 0);
	ck_assert_ptr_null(sources_records_find(sources, 42)); /* no record was claimed */
}
END_TEST

/* The whole range of the configuration, and beyond. */
START_TEST(extreme_rates)
{
	const struct rate rates[] = {
		{1, 1},
		{1000000, 1},
		{1, DAY_MS},
		{1000000, DAY_MS},
		{999983, 7},
		{INT64_MAX, INT64_MAX},
		{1, INT64_MAX},
		{INT64_MAX, 1},
		{1, -1},
		{-1, 1},
		{INT64_MIN, INT64_MIN},
	};
	const int64_t times[] = {INT64_MIN, -1, 0, 1, NOW_US, INT64_MAX / 1000, INT64_MAX - 1, INT64_MAX};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		for (size_t k = 0; k < sizeof(times) / sizeof(times[0]); k++) {
			for (int n = 0; n < 3; n++) {
				int64_t wait = sources_rate_take(sources, 0, &rates[i], times[k], &untracked);

				ck_assert_int_ge(wait, 0);
				ck_assert_int_le(wait, 2 * DAY_MS * 1000);
				wait = sources_rate_take(sources, 1 + i, &rates[i], times[k], &untracked);
				ck_assert_int_ge(wait, 0);
				ck_assert_int_le(wait, 2 * DAY_MS * 1000);
			}
		}
	}
	renew();
	for (int n = 0; n < 1000000; n++)
		ck_assert_int_eq(sources_rate_take(sources, 0, &rates[1], NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 0, &rates[1], NOW_US, &untracked), 1);
	renew();
	ck_assert_int_eq(sources_rate_take(sources, 5, &rates[2], NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 5, &rates[2], NOW_US + 1, &untracked), DAY_MS * 1000 - 1);
}
END_TEST

START_TEST(who_asks_with_an_older_time_takes_nothing_back)
{
	const struct rate rate = {.n = 2, .per_ms = 1000};

	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US - 900000, &untracked), 1400000);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 500000);
}
END_TEST

/* The service was configured with another rate before: its times must not keep anybody out. */
START_TEST(a_slower_rate_from_before_is_forgotten)
{
	const struct rate slow = {.n = 1, .per_ms = DAY_MS}, fast = {.n = 10, .per_ms = 1000};

	ck_assert_int_eq(sources_rate_take(sources, 1, &slow, NOW_US, &untracked), 0);
	ck_assert_int_gt(sources_rate_take(sources, 1, &slow, NOW_US, &untracked), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(sources_rate_take(sources, 1, &fast, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &fast, NOW_US, &untracked), 100000);
}
END_TEST

/* A million sources: as many as there are records are remembered, the others let in and counted; and when the
 * times of those are over, others are. */
START_TEST(a_full_table_lets_in)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};
	size_t refused = 0, n_untracked = 0;

	for (int round = 0; round < 2; round++)
		for (uint64_t i = 1; i <= 100000; i++) {
			uint64_t key = i * 0x9e3779b97f4a7c15ULL;

			refused += sources_rate_take(sources, key, &rate, NOW_US, &untracked) > 0;
			n_untracked += untracked;
		}
	ck_assert_uint_eq(refused, 256);
	ck_assert_uint_eq(n_untracked, 2 * (100000 - 256));
	ck_assert_uint_eq(sources_untracked(sources), n_untracked);
	for (uint64_t i = 1; i <= 8; i++) {
		ck_assert_int_eq(sources_rate_take(sources, i, &rate, NOW_US + SECOND_US, &untracked), 0);
		ck_assert(!untracked);
		ck_assert_int_eq(sources_rate_take(sources, i, &rate, NOW_US + SECOND_US, &untracked), SECOND_US);
	}
}
END_TEST

/* Many processes at the same time get exactly as many as the rate allows. */
START_TEST(many_processes_share_a_bucket)
{
	enum { PROCESSES = 16, ROUNDS = 2000 };
	const struct rate rate = {.n = 1000, .per_ms = 60000};
	_Atomic int *taken = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pids[PROCESSES];

	for (int p = 0; p < PROCESSES; p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			struct sources mine;

			if (sources_map(&mine, sources, &err) < 0)
				_exit(1);
			for (int i = 0; i < ROUNDS; i++)
				for (int key = 0; key < 2; key++)
					if (sources_rate_take(&mine, (uint64_t)key * 77, &rate, NOW_US, &untracked) ==
					    0)
						atomic_fetch_add(&taken[key], 1);
			_exit(0);
		}
	}
	for (int p = 0; p < PROCESSES; p++) {
		ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(taken[0], 1000);
	/* at worst two records for each source that two processes claimed at the same moment */
	ck_assert_int_ge(taken[1], 1000);
	ck_assert_int_le(taken[1], 1000 + PROCESSES);
}
END_TEST

START_TEST(a_penalty_begins_and_ends)
{
	struct sources_penalty penalty;

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + 5));
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_CRASH, rule.within_ms, NOW_MS + 6), 2);
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_REFUSAL, rule.within_ms, NOW_MS + 6), 1);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS), 0);
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + 10));
	penalty = sources_penalty(sources, 5, NOW_MS + 11);
	ck_assert_int_eq(penalty.until_ms, NOW_MS + 60010);
	ck_assert_int_eq(penalty.fault, FAULT_CRASH);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 11), 1);
	ck_assert_int_eq(sources_penalty(sources, 6, NOW_MS + 11).until_ms, 0);
	/* more faults do not prolong it */
	for (int i = 0; i < 10; i++)
		ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 50000));
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60009).until_ms, NOW_MS + 60010);
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60010).until_ms, 0);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 60010), 0);
	/* counting begins anew, and the other kind of fault counts apart */
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60011));
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60012));
	ck_assert(sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60013));
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60014).fault, FAULT_REFUSAL);
}
END_TEST

START_TEST(a_short_penalty_within_a_long_window_begins_anew)
{
	const struct sources_penalty_rule brief = {.most = 2, .within_ms = 60000, .duration_ms = 1000};

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS));
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS + 1001));
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS + 1002));
}
END_TEST

START_TEST(faults_far_apart_are_none_together)
{
	for (int i = 0; i < 1000; i++) /* at most two in ten seconds */
		ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + i * 5000LL + i / 2));
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_CRASH, rule.within_ms, NOW_MS + 9999999), 0);
}
END_TEST

/* No matter when the windows before them began. */
START_TEST(faults_close_together_are_found)
{
	for (int64_t lead = 0; lead < 20000; lead += 100) {
		uint64_t key = 1000 + (uint64_t)lead;

		renew();
		ck_assert(!sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS));
		ck_assert(!sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead));
		if (sources_penalty(sources, key, NOW_MS + lead).until_ms != 0)
			continue;
		(void)sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead + 2500);
		(void)sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead + 5000 - 1);
		ck_assert_int_ne(sources_penalty(sources, key, NOW_MS + lead + 5000).until_ms, 0);
	}
}
END_TEST

START_TEST(no_rule_no_penalty)
{
	const struct sources_penalty_rule none = {.most = 0, .within_ms = 1, .duration_ms = 1};
	const struct sources_penalty_rule wild = {INT64_MAX, INT64_MAX, INT64_MAX}, one = {1, INT64_MIN, INT64_MAX};

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &none, NOW_MS));
	ck_assert_ptr_null(sources_records_find(sources, 5));
	ck_assert(!sources_fault(sources, 0, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &wild, INT64_MAX));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &wild, INT64_MIN));
	ck_assert(sources_fault(sources, 6, FAULT_CRASH, &one, NOW_MS));
	ck_assert_int_eq(sources_penalty(sources, 6, NOW_MS).until_ms, NOW_MS + PENALTY_MOST_MS);
}
END_TEST

/* A penalized source keeps its record, however many other sources come. */
START_TEST(a_penalty_survives_a_flood)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};

	for (int i = 0; i < 3; i++)
		(void)sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS);
	for (int64_t second = 0; second < 60; second++)
		for (uint64_t i = 0; i < 10000; i++)
			(void)sources_rate_take(sources, (i + 1) * 0x9e3779b97f4a7c15ULL, &rate,
						NOW_US + second * SECOND_US, &untracked);
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 59999).until_ms, NOW_MS + 60000);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 59999), 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("sources_rates", setup, a_bucket_fills_and_leaks, no_rate_is_no_limit, extreme_rates,
			 who_asks_with_an_older_time_takes_nothing_back, a_slower_rate_from_before_is_forgotten,
			 a_full_table_lets_in, many_processes_share_a_bucket, a_penalty_begins_and_ends,
			 a_short_penalty_within_a_long_window_begins_anew, faults_far_apart_are_none_together,
			 faults_close_together_are_found, no_rule_no_penalty, a_penalty_survives_a_flood);
}
