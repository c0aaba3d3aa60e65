/* SPDX-License-Identifier: MIT */
/* What the master makes of memory that a worker has overwritten. */
#include <string.h>

#include "pool/pool_board.h"
#include "pool/pool_count.h"

#include "../made_up_pool.h"

#define TICK_MS 1000

static char name[] = "web";
static struct config_service service = {.name = name, .workers = {.min = 2, .max = 8}};
static struct listener listener = {.fd = -1};
static struct generation *const some_generation = (struct generation *)&service; /* is not looked into */
static struct proc *by_pid;
static struct pool pool;
static struct proc *idle, *busy;
static int64_t now = 1000 * TICK_MS;

static void set_up(void)
{
	struct err err;

	made_up_pool(&pool, &service, &listener, 1, &by_pid);
	pool.generation = some_generation;
	pool.sources = sources_new(64, &err);
	ck_assert_ptr_nonnull(pool.sources);
	idle = made_up_worker(&pool, 0, SLOT_IDLE);
	busy = made_up_worker(&pool, 0, SLOT_BUSY);
	idle->seat = sources_seat_take(pool.sources);
	busy->seat = sources_seat_take(pool.sources);
	idle->started_ms = busy->started_ms = now;
	atomic_store(&pool.board.lanes[0].idle, 1);
	log_set_level(LOG_EMERG);
}

static void tick(void)
{
	struct proc *proc;

	now += TICK_MS;
	pool.lanes[0] = (struct policy_lane){.pending = false};
	DL_FOREACH (pool.procs, proc)
		pool_count_proc(proc, &pool.lanes[0]);
	pool_board_mend(&pool, now);
}

static bool are_replaced(void)
{
	bool spent = atomic_load(&proc_slot(idle)->spent) != 0;

	ck_assert_int_eq(spent, atomic_load(&proc_slot(busy)->spent) != 0);
	return spent;
}

START_TEST(what_is_right_stays)
{
	for (int i = 0; i < 5; i++) {
		atomic_store(&proc_slot(busy)->accepted, (uint64_t)i * 90000);
		atomic_store(&proc_slot(busy)->bytes_in, (uint64_t)i * 1000000000);
		tick();
	}
	ck_assert(!are_replaced());
	ck_assert_int_eq(pool.board.lanes[0].idle, 1);
	ck_assert_uint_eq(busy->seen.accepted, 360000);
}
END_TEST

START_TEST(a_drift_is_corrected_at_the_second_tick)
{
	atomic_store(&pool.board.lanes[0].idle, 3);
	tick();
	ck_assert_int_eq(pool.board.lanes[0].idle, 3);
	tick();
	ck_assert_int_eq(pool.board.lanes[0].idle, 1);
}
END_TEST

START_TEST(an_impossible_lane_is_corrected_at_once)
{
	static const int32_t values[] = {INT32_MIN, INT32_MAX, 1000, -1000, INT32_MIN + 1};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		atomic_store(&pool.board.lanes[0].idle, values[i]);
		atomic_store(&pool.board.lanes[0].lowest, values[i]);
		tick();
		ck_assert_int_eq(pool.board.lanes[0].idle, 1);
		ck_assert_int_eq(pool.board.lanes[0].lowest, 1);
	}
}
END_TEST

/* A worker that is ready is idle or busy. */
START_TEST(an_impossible_state_replaces_all)
{
	static const uint32_t states[] = {SLOT_FREE, SLOT_STARTING, SLOT_LEAVING + 1, UINT32_MAX};

	atomic_store(&proc_slot(idle)->state, states[_i]);
	tick();
	ck_assert(are_replaced());
}
END_TEST

/* Else as many again would be started in their place, until no slot is left for the successors. */
START_TEST(a_state_that_does_not_exist_counts_as_a_client)
{
	atomic_store(&proc_slot(idle)->state, _i == 0 ? SLOT_LEAVING + 1 : UINT32_MAX);
	ck_assert_int_eq(pool_count(&pool, -1).busy, 2);
}
END_TEST

START_TEST(one_that_leaves_by_itself_has_a_second_for_it)
{
	atomic_store(&proc_slot(idle)->state, SLOT_LEAVING);
	tick();
	ck_assert(!are_replaced());
	tick();
	ck_assert(are_replaced());
}
END_TEST

START_TEST(an_impossible_counter_is_not_counted)
{
	static const uint64_t values[] = {0, 99, INT64_MAX, UINT64_MAX, 1ULL << 40};
	struct counts counts = {.accepted = 0};
	struct board_slot *slot = proc_slot(busy);

	atomic_store(&slot->accepted, 100);
	atomic_store(&slot->bytes_out, 5000);
	atomic_store(&slot->refused[REFUSED_RATE], 7);
	tick();
	ck_assert(!are_replaced());
	atomic_store(&slot->accepted, values[_i]);
	atomic_store(&slot->refused[REFUSED_RATE], values[_i]);
	tick();
	ck_assert(are_replaced());
	pool_count_living(&pool, &counts);
	ck_assert_uint_eq(counts.accepted, 100);
	ck_assert_uint_eq(counts.bytes_out, 5000);
	ck_assert_uint_eq(counts.refused[REFUSED_RATE], _i == 1 ? 99 : 7);
}
END_TEST

/* Else the seats of idle workers, and of none, would keep clients out. */
START_TEST(seats_without_a_client_are_cleared)
{
	struct sources_taken taken;
	int gone = sources_seat_take(pool.sources);

	sources_seat_free(pool.sources, (size_t)gone);
	for (int seat = 0; seat <= gone; seat++)
		ck_assert(sources_sit(pool.sources, (size_t)seat, 7, 0, 0, &taken));
	ck_assert_uint_eq(sources_taken(pool.sources, 7).same, 3);
	tick();
	ck_assert_uint_eq(sources_taken(pool.sources, 7).same, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool_board");
	TCase *tcase = tcase_create("pool_board");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, what_is_right_stays);
	tcase_add_test(tcase, a_drift_is_corrected_at_the_second_tick);
	tcase_add_test(tcase, an_impossible_lane_is_corrected_at_once);
	tcase_add_loop_test(tcase, an_impossible_state_replaces_all, 0, 4);
	tcase_add_loop_test(tcase, a_state_that_does_not_exist_counts_as_a_client, 0, 2);
	tcase_add_test(tcase, one_that_leaves_by_itself_has_a_second_for_it);
	tcase_add_loop_test(tcase, an_impossible_counter_is_not_counted, 0, 5);
	tcase_add_test(tcase, seats_without_a_client_are_cleared);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
