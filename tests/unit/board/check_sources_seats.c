/* SPDX-License-Identifier: MIT */
/* Seats: exact with many processes at the same time, even when some are killed in the middle. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "board/sources.h"
#include "board/sources_map.h"

#define SUITE_SERIAL /* each test has many busy processes */
#include "../suite.h"

#define MANY	  32
#define ENOUGH_MS 2000 /* of one thing again and again; PREFORKD_TEST_STRESS_MS may say otherwise */

static struct sources *sources;
static struct err err;
static struct sources_taken taken;

/* The memory that the processes of a test share, besides the table. */
static struct shared {
	_Atomic int arrived, left, go;
	_Atomic bool over;
	_Atomic int inside, most_inside, sat, all_inside, most_all;
	_Atomic unsigned rounds[MANY];
} * shared;

static void setup(void)
{
	sources = sources_new(256, &err);
	ck_assert_msg(sources != NULL, "%s", err.text);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static size_t take(void)
{
	int seat = sources_seat_take(sources);

	ck_assert_int_ge(seat, 0);
	return (size_t)seat;
}

/* ---- one after the other ---- */

START_TEST(seats_are_taken_and_freed)
{
	size_t a = take(), b = take(), c = take();

	ck_assert(a != b && b != c && a != c);
	ck_assert_uint_eq(sources->n_seats, 3);
	sources_seat_free(sources, b);
	ck_assert_uint_eq(take(), b); /* the lowest one, so that a look has fewer seats to read */
	ck_assert_uint_eq(sources->n_seats, 3);
	ck_assert_int_eq(sources_seat_keep(sources, b), -1);
	ck_assert_int_eq(sources_seat_keep(sources, SOURCES_SEATS), -1);
	ck_assert_int_eq(sources_seat_keep(sources, SIZE_MAX), -1);
	ck_assert_int_eq(sources_seat_keep(sources, 100), 0);
	ck_assert_uint_eq(sources->n_seats, 101);
	ck_assert_uint_eq(sources->map->n_seats, 101);
	sources_seat_free(sources, SIZE_MAX);
	sources_seat_free(sources, 50); /* not taken */
}
END_TEST

START_TEST(there_is_an_end_of_seats)
{
	for (int i = 0; i < SOURCES_SEATS; i++)
		ck_assert_int_eq(sources_seat_keep(sources, (size_t)i), 0);
	ck_assert_int_eq(sources_seat_take(sources), -1);
	sources_seat_free(sources, 77777);
	ck_assert_int_eq(sources_seat_take(sources), 77777);
	ck_assert_int_eq(sources_seat_take(sources), -1);
	ck_assert(!sources_sit(sources, SOURCES_SEATS, 1, 0, 0, &taken));
	ck_assert(!sources_sit(sources, SIZE_MAX, 1, 0, 0, &taken));
	sources_stand(sources, SIZE_MAX);
}
END_TEST

START_TEST(a_source_has_so_many)
{
	size_t a = take(), b = take(), c = take(), d = take();

	ck_assert(sources_sit(sources, a, 7, 2, 0, &taken));
	ck_assert_uint_eq(taken.same, 0);
	ck_assert(sources_sit(sources, b, 7, 2, 0, &taken));
	ck_assert_uint_eq(taken.same, 1);
	ck_assert(!sources_sit(sources, c, 7, 2, 0, &taken));
	ck_assert_uint_eq(taken.same, 2);
	ck_assert(sources_sit(sources, c, 8, 2, 0, &taken));
	ck_assert_uint_eq(taken.same, 0);
	ck_assert_uint_eq(taken.all, 2);
	ck_assert(!sources_sit(sources, d, 9, 2, 3, &taken));
	ck_assert_uint_eq(taken.all, 3);
	ck_assert_uint_eq(sources_taken(sources, 7).same, 2);
	ck_assert_uint_eq(sources_taken(sources, 7).all, 3);
	sources_stand(sources, a);
	ck_assert(sources_sit(sources, d, 7, 2, 3, &taken));
	/* no limit: it does not look at the others */
	ck_assert(sources_sit(sources, a, 7, 0, 0, &taken));
	ck_assert_uint_eq(sources_taken(sources, 7).same, 3);
	/* taking the same seat again does not count twice */
	ck_assert(sources_sit(sources, a, 7, 3, 4, &taken));
	ck_assert_uint_eq(sources_taken(sources, 7).same, 3);
}
END_TEST

START_TEST(the_seat_of_a_dead_one_is_free)
{
	const uint64_t left[] = {7, 7 | SEAT_TENTATIVE, UINT64_MAX, SEAT_COUNT | SEAT_TENTATIVE | 7};
	size_t a = take(), b = take();

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		atomic_store(&sources->map->seat[a], left[i]); /* as the killed worker left it */
		sources_seat_free(sources, a);
		ck_assert_uint_eq(sources_taken(sources, 7).all, 0);
		ck_assert(sources_sit(sources, b, 7, 1, 1, &taken));
		sources_stand(sources, b);
		ck_assert_uint_eq(take(), a);
		ck_assert_uint_eq(sources->map->seat[a] & (SEAT_KEY | SEAT_TENTATIVE), 0);
	}
}
END_TEST

/* A worker was killed during its attempt, and the master has not reaped it: its seat counts, and others wait only for a
 * moment. */
START_TEST(a_stale_attempt_is_not_waited_for_long)
{
	size_t a = take(), b = take();
	int64_t start = clock_ms();

	atomic_store(&sources->map->seat[a], 7 | SEAT_TENTATIVE);
	ck_assert(sources_sit(sources, b, 7, 2, 0, &taken));
	sources_stand(sources, b);
	ck_assert_int_lt(clock_ms() - start, 900);
	ck_assert(!sources_sit(sources, b, 7, 1, 0, &taken));
	ck_assert_uint_eq(taken.same, 1);
	ck_assert_int_lt(clock_ms() - start, 5000);
	ck_assert_uint_eq(sources->map->seat[b] & SEAT_KEY, 0);
}
END_TEST

/* A worker has damaged n_seats: a look may read more seats, but never beyond the last one. */
START_TEST(the_high_water_mark_is_not_believed)
{
	size_t a = take(), b = take();

	atomic_store(&sources->map->n_seats, UINT32_MAX);
	ck_assert(sources_sit(sources, a, 7, 1, 0, &taken));
	ck_assert(!sources_sit(sources, b, 7, 1, 0, &taken));
	(void)take();
	ck_assert_uint_eq(sources->map->n_seats, 3);
}
END_TEST

/* ---- many at the same time ---- */

static int64_t began_ms, enough_ms;

static bool is_enough(void)
{
	if (began_ms == 0) {
		const char *text = getenv("PREFORKD_TEST_STRESS_MS");

		enough_ms = text != NULL ? strtol(text, NULL, 10) : ENOUGH_MS;
		began_ms = clock_ms();
	}
	return clock_ms() - began_ms > enough_ms;
}

/* Waits for *AT to become WANT or more; false: it does not. */
static bool wait_for(_Atomic int *at, int want)
{
	int64_t end = clock_ms() + 15000;

	while (atomic_load(at) < want) {
		if (clock_ms() > end)
			return false;
		(void)sched_yield();
	}
	return true;
}

static void higher(_Atomic int *most, int value)
{
	int seen = atomic_load(most);

	while (value > seen && !atomic_compare_exchange_weak(most, &seen, value))
		;
}

static pid_t child_begins(struct sources *mine)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sources_map(mine, sources, &err) < 0)
		_exit(1);
	return 0;
}

static void children_end(const pid_t *pids, int n)
{
	int status;

	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}

/*
 * In each round N try at the same moment and stay inside until all have tried: as many get in as may, whether
 * that is all of them or not.
 */
static void rounds(int n, size_t most_same, size_t most_all, int expected)
{
	struct sources mine;
	pid_t pids[MANY];
	int round;

	for (int i = 0; i < n; i++) {
		size_t seat = take();

		pids[i] = child_begins(&mine);
		if (pids[i] != 0)
			continue;
		for (round = 1;; round++) {
			bool sits;

			if (!wait_for(&shared->go, round))
				_exit(2);
			if (atomic_load(&shared->over))
				_exit(0);
			sits = sources_sit(&mine, seat, 7, most_same, most_all, &taken);
			if (sits)
				atomic_fetch_add(&shared->sat, 1);
			atomic_fetch_add(&shared->arrived, 1);
			if (!wait_for(&shared->arrived, round * n))
				_exit(3);
			if (sits)
				sources_stand(&mine, seat);
			atomic_fetch_add(&shared->left, 1);
		}
	}
	for (round = 1; !is_enough(); round++) {
		atomic_store(&shared->sat, 0);
		atomic_store(&shared->go, round);
		ck_assert(wait_for(&shared->left, round * n));
		ck_assert_msg(atomic_load(&shared->sat) == expected, "round %d: %d sat of %d, and %d may", round,
			      atomic_load(&shared->sat), n, expected);
	}
	atomic_store(&shared->over, true);
	atomic_store(&shared->go, round);
	children_end(pids, n);
	ck_assert_uint_eq(sources_taken(sources, 7).all, 0);
}

START_TEST(as_many_as_may_are_all_let_in)
{
	rounds(10, 10, 0, 10);
}
END_TEST

START_TEST(of_more_exactly_as_many_as_may)
{
	rounds(MANY, 10, 0, 10);
}
END_TEST

START_TEST(of_two_exactly_one)
{
	rounds(2, 1, 0, 1);
}
END_TEST

START_TEST(the_limit_of_all_is_exact_too)
{
	rounds(MANY, 31, 10, 10);
}
END_TEST

START_TEST(the_narrower_of_two_limits_holds)
{
	rounds(MANY, 3, 10, 3);
}
END_TEST

/* Many come and go at any time: never more than the limits, of one source and of all. */
START_TEST(never_one_more_than_allowed)
{
	struct sources mine;
	pid_t pids[MANY];

	for (int i = 0; i < MANY; i++) {
		size_t seat = take();
		unsigned state = (unsigned)i;

		pids[i] = child_begins(&mine);
		if (pids[i] != 0)
			continue;
		for (int round = 0; !is_enough(); round++) {
			uint64_t key = 1 + (uint64_t)rand_r(&state) % 2;

			if (!sources_sit(&mine, seat, key, 10, 12, &taken)) {
				if (taken.same < 10 && taken.all < 12)
					_exit(2);
				continue;
			}
			higher(&shared->most_all, atomic_fetch_add(&shared->all_inside, 1) + 1);
			if (key == 1)
				higher(&shared->most_inside, atomic_fetch_add(&shared->inside, 1) + 1);
			if (round % 4 == 0)
				(void)sched_yield();
			if (key == 1)
				atomic_fetch_sub(&shared->inside, 1);
			atomic_fetch_sub(&shared->all_inside, 1);
			sources_stand(&mine, seat);
			atomic_fetch_add(&shared->sat, 1);
		}
		_exit(0);
	}
	children_end(pids, MANY);
	ck_assert_int_le(shared->most_inside, 10);
	ck_assert_int_le(shared->most_all, 12);
	ck_assert_int_gt(shared->sat, MANY);
}
END_TEST

/* No client is refused while there is room: MANY processes, of which at most as many as may sit try at the same time.
 */
START_TEST(who_fits_is_let_in_though_others_come_and_go)
{
	enum { MOST = 4 };
	struct sources mine;
	pid_t pids[MANY];

	for (int i = 0; i < MANY; i++) {
		size_t seat = take();

		pids[i] = child_begins(&mine);
		if (pids[i] != 0)
			continue;
		for (int round = 0; !is_enough(); round++) {
			int ticket = atomic_load(&shared->inside);

			/* at most that many pass at the same time, and they use all seats in turn */
			if (ticket >= MOST || !atomic_compare_exchange_strong(&shared->inside, &ticket, ticket + 1)) {
				(void)sched_yield();
				continue;
			}
			if (!sources_sit(&mine, seat, 7, MOST, 0, &taken))
				_exit(4);
			if (round % 8 == 0)
				(void)sched_yield();
			sources_stand(&mine, seat);
			atomic_fetch_sub(&shared->inside, 1);
			atomic_fetch_add(&shared->sat, 1);
		}
		_exit(0);
	}
	children_end(pids, MANY);
	ck_assert_int_gt(shared->sat, MANY);
}
END_TEST

/* After a worker was killed at any moment and the master has freed its seat, nothing is left. */
START_TEST(the_killed_leak_nothing)
{
	enum { N = 8 };
	struct sources mine;
	size_t seats[N];
	pid_t pids[N];
	int status, kills = 0;

	for (int k = -N; k < 0 || kills < N || !is_enough(); k++) {
		int i = (k + N) % N;

		if (k >= 0) {
			unsigned before = atomic_load(&shared->rounds[i]);
			int64_t end = clock_ms() + 10000;

			while (atomic_load(&shared->rounds[i]) == before && clock_ms() < end)
				(void)sched_yield(); /* it is trying now */
			ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
			ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
			ck_assert_int_eq(status, SIGKILL);
			sources_seat_free(sources, seats[i]);
			kills++;
		}
		seats[i] = take();
		pids[i] = child_begins(&mine);
		if (pids[i] != 0)
			continue;
		for (;;) {
			if (sources_sit(&mine, seats[i], 7, 3, 0, &taken))
				sources_stand(&mine, seats[i]);
			atomic_fetch_add(&shared->rounds[i], 1);
		}
	}
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		sources_seat_free(sources, seats[i]);
	}
	ck_assert_uint_eq(sources->n_seats, N);
	ck_assert_uint_eq(sources_taken(sources, 7).all, 0);
	for (int i = 0; i < 3; i++)
		ck_assert(sources_sit(sources, take(), 7, 3, 3, &taken));
	ck_assert(!sources_sit(sources, take(), 7, 3, 3, &taken));
}
END_TEST

int main(void)
{
	return SUITE_RUN("sources_seats", setup, seats_are_taken_and_freed, there_is_an_end_of_seats,
			 a_source_has_so_many, the_seat_of_a_dead_one_is_free, a_stale_attempt_is_not_waited_for_long,
			 the_high_water_mark_is_not_believed, as_many_as_may_are_all_let_in,
			 of_more_exactly_as_many_as_may, of_two_exactly_one, the_limit_of_all_is_exact_too,
			 the_narrower_of_two_limits_holds, never_one_more_than_allowed,
			 who_fits_is_let_in_though_others_come_and_go, the_killed_leak_nothing);
}
