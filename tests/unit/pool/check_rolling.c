/* SPDX-License-Identifier: MIT */
/* Programs are replaced some at a time. */
#include "rolling_case.h"

#define PATIENCE 10000 /* beyond timeouts.start */

static struct proc *youngest(const struct pool *pool)
{
	return pool->procs->prev;
}

/* ---- the steps ---- */

static void begin(void)
{
	ck_assert_int_eq(rolling_begin(&r, &fresh, &old, now), 0);
}

static enum rolling_state step(void)
{
	return rolling_step(&r, now);
}

static enum rolling_state step_after(int64_t ms)
{
	now += ms;
	return step();
}

/* The first copies are watched, one at each address. */
static void prove_first(void)
{
	begin();
	get_ready(&fresh);
	ck_assert_int_eq(step(), ROLLING_GROW);
	get_ready(&fresh);
	ck_assert_int_eq(step(), ROLLING_WATCH);
	ck_assert_int_eq(staying(&fresh), LANES);
	ck_assert_int_eq(step_after(PROVE), ROLLING_PROVEN);
}

/* One copy of before has left each address, and the second fresh one starts. */
static void replace_first(void)
{
	prove_first();
	rolling_go(&r, now);
	ck_assert_int_eq(r.state, ROLLING_GROW);
	ck_assert_int_eq(staying(&old), LANES * (COPIES - 1));
	ck_assert_int_eq(starting(&fresh), LANES);
}

START_TEST(the_first_copy_starts_at_the_first_address)
{
	begin();
	ck_assert_int_eq(copies_count(&fresh, 0).present, 1);
	ck_assert_int_eq(copies_count(&fresh, 1).present, 0);
	ck_assert_int_eq(step(), ROLLING_FIRST);
	get_ready(&fresh);
	ck_assert_int_eq(step(), ROLLING_GROW);
	ck_assert_int_eq(copies_count(&fresh, 1).present, 1);
}
END_TEST

START_TEST(nobody_is_told_before_the_go)
{
	prove_first();
	ck_assert_int_eq(step_after(1000000), ROLLING_PROVEN);
	ck_assert_uint_eq(made_up_n_kills, 0);
	ck_assert_int_eq(staying(&old), LANES * COPIES);
}
END_TEST

START_TEST(some_at_a_time)
{
	replace_first();
	for (int64_t copies = 2; copies <= COPIES; copies++) {
		get_ready(&fresh);
		ck_assert_int_eq(step(), ROLLING_WATCH);
		ck_assert_int_eq(step_after(PROVE - 1), ROLLING_WATCH);
		ck_assert_int_eq(staying(&old), LANES * (COPIES - copies + 1));
		ck_assert_int_eq(step_after(1), copies < COPIES ? ROLLING_GROW : ROLLING_DONE);
		ck_assert_int_eq(staying(&old), LANES * (COPIES - copies));
	}
	ck_assert_int_eq(staying(&fresh), LANES * COPIES);
}
END_TEST

START_TEST(a_tenth_at_a_time)
{
	struct rolling many;

	fresh.limits.min = 40;
	ck_assert_int_eq(rolling_begin(&many, &fresh, &old, now), 0);
	ck_assert_int_eq(many.step, 4);
	service.workers.max_unavailable = 15;
	ck_assert_int_eq(rolling_begin(&many, &fresh, &old, now), 0);
	ck_assert_int_eq(many.step, 15);
}
END_TEST

START_TEST(the_oldest_leave_first)
{
	const struct proc *oldest = old.procs, *second = oldest->next;

	replace_first();
	ck_assert(oldest->leaving && second->leaving && !second->next->leaving);
	ck_assert_uint_eq(made_up_killed(oldest->pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(made_up_killed(second->pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(made_up_n_kills, 2);
}
END_TEST

START_TEST(a_slow_starter_is_watched_as_long_as_it_needed)
{
	service.timeouts.start = 60000;
	begin();
	now += 20000;
	get_ready(&fresh);
	(void)step();
	get_ready(&fresh);
	(void)step();
	ck_assert_int_eq(step_after(19999), ROLLING_WATCH);
	ck_assert_int_eq(step_after(1), ROLLING_PROVEN);
}
END_TEST

START_TEST(an_address_that_only_the_old_pool_has_is_left_alone)
{
	old_listeners[1].key.name[0] = 'x';
	prove_first();
	rolling_go(&r, now);
	ck_assert_int_eq(copies_count(&old, 0).present, COPIES - 1);
	ck_assert_int_eq(copies_count(&old, 1).present, COPIES);
}
END_TEST

START_TEST(an_address_without_clients_is_not_waited_for)
{
	listeners[0].fd = -1;
	listeners[1].refusing = true;
	ck_assert_int_eq(rolling_begin(&r, &fresh, &old, now), 0);
	ck_assert_int_eq(step(), ROLLING_PROVEN);
	rolling_go(&r, now);
	for (int i = 0; i < 2 * COPIES; i++)
		(void)step();
	ck_assert_int_eq(r.state, ROLLING_DONE);
}
END_TEST

START_TEST(an_old_copy_that_ends_is_started_again)
{
	replace_first();
	die(&old, youngest(&old));
	copies_fill(&old, now);
	ck_assert_int_eq(staying(&old), LANES * (COPIES - 1));
}
END_TEST

/* ---- failures ---- */

START_TEST(the_first_copy_ends_before_it_is_ready)
{
	begin();
	die(&fresh, youngest(&fresh));
	ck_assert_int_eq(step(), ROLLING_FAILED);
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

START_TEST(a_first_copy_ends_while_it_is_watched)
{
	begin();
	get_ready(&fresh);
	(void)step();
	get_ready(&fresh);
	(void)step();
	now += PROVE - 1;
	die(&fresh, youngest(&fresh));
	ck_assert_int_eq(step(), ROLLING_FAILED);
	ck_assert_uint_eq(made_up_n_kills, 0);
	rolling_back(&r, now);
	ck_assert_int_eq(r.state, ROLLING_RESTORED);
	ck_assert(!old.is_rolling);
}
END_TEST

START_TEST(a_later_copy_may_end_once)
{
	replace_first();
	get_ready(&fresh);
	(void)step();
	die(&fresh, youngest(&fresh));
	ck_assert_int_eq(step(), ROLLING_GROW);
	ck_assert_int_eq(staying(&fresh), LANES * 2); /* it was started again */
	get_ready(&fresh);
	ck_assert_int_eq(step(), ROLLING_WATCH);
	die(&fresh, youngest(&fresh));
	ck_assert_int_eq(step(), ROLLING_FAILED);
	ck_assert_int_eq(staying(&old), LANES * (COPIES - 1));
}
END_TEST

START_TEST(each_batch_may_lose_a_copy)
{
	replace_first();
	for (int64_t copies = 2; copies <= COPIES; copies++) {
		die(&fresh, youngest(&fresh));
		ck_assert_int_eq(step(), ROLLING_GROW);
		get_ready(&fresh);
		ck_assert_int_eq(step(), ROLLING_WATCH);
		(void)step_after(PROVE);
	}
	ck_assert_int_eq(r.state, ROLLING_DONE);
}
END_TEST

START_TEST(a_copy_that_has_outlived_its_watch_counts_for_nothing)
{
	replace_first();
	get_ready(&fresh);
	(void)step();
	die(&fresh, fresh.procs);
	ck_assert_int_eq(step(), ROLLING_WATCH);
	ck_assert_int_eq(staying(&fresh), LANES * 2);
	die(&fresh, youngest(&fresh)); /* the one in its place */
	ck_assert_int_eq(step(), ROLLING_WATCH);
}
END_TEST

static void expect_patience(int64_t start)
{
	service.timeouts.start = start;
	replace_first();
	no_programs = true;
	for (struct proc *proc = youngest(&fresh); !proc->outlived; proc = youngest(&fresh))
		bury(&fresh, proc);
	start = start == 0 ? 60000 : start;
	ck_assert_int_eq(step_after(start + PATIENCE - 1), ROLLING_GROW);
	ck_assert_int_eq(step_after(1), ROLLING_FAILED);
	ck_assert(r.is_late);
}

START_TEST(patience_has_an_end)
{
	expect_patience(_i == 0 ? START : 0);
}
END_TEST

/* ---- going back ---- */

START_TEST(all_goes_back_step_by_step)
{
	replace_first();
	get_ready(&fresh);
	(void)step();
	(void)step_after(PROVE);
	ck_assert_int_eq(staying(&old), LANES * 2);
	rolling_back(&r, now);
	die(&fresh, youngest(&fresh)); /* it is not started again */
	for (int64_t copies = 3; copies <= COPIES; copies++) {
		ck_assert_int_eq(step(), ROLLING_BACK);
		ck_assert_int_eq(staying(&old), LANES * copies);
		ck_assert_int_ge(staying(&fresh) + staying(&old) - starting(&old), LANES * COPIES - 2);
		get_ready(&old);
	}
	ck_assert_int_eq(step(), ROLLING_RESTORED);
	ck_assert_int_eq(staying(&fresh), 0);
	ck_assert(!old.is_rolling);
}
END_TEST

START_TEST(copies_of_before_that_cannot_start_are_given_up)
{
	int64_t missing, of, serving;

	replace_first();
	rolling_back(&r, now);
	ck_assert_int_eq(step(), ROLLING_BACK);
	no_programs = true;
	ck_assert_int_eq(step_after(START + PATIENCE - 1), ROLLING_BACK);
	ck_assert_int_eq(step_after(1), ROLLING_STUCK);
	rolling_count(&r, &missing, &of, &serving);
	ck_assert_int_eq(missing, LANES * (COPIES - 1));
	ck_assert_int_eq(of, LANES * COPIES);
	ck_assert_int_eq(serving, LANES);
	rolling_let_go(&r);
	ck_assert(fresh.yields && !old.is_rolling);
}
END_TEST

START_TEST(a_service_that_is_paused_meanwhile_proves_nothing)
{
	replace_first();
	rolling_abandon(&r);
	ck_assert_int_eq(step(), ROLLING_DONE);
	ck_assert_int_eq(staying(&fresh), 0);
	ck_assert(r.is_unproven && !old.is_rolling && !fresh.is_rolling);
}
END_TEST

START_TEST(after_workers_the_others_start_together)
{
	struct config_service workers = service;

	workers.program.runs = false;
	old.service = &workers;
	prove_first();
	rolling_go(&r, now);
	ck_assert_int_eq(staying(&fresh), LANES * COPIES);
	ck_assert_int_eq(staying(&old), LANES * COPIES);
	get_ready(&fresh);
	(void)step();
	ck_assert_int_eq(step_after(PROVE), ROLLING_DONE);
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rolling");
	TCase *tcase = tcase_create("rolling");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, the_first_copy_starts_at_the_first_address);
	tcase_add_test(tcase, nobody_is_told_before_the_go);
	tcase_add_test(tcase, some_at_a_time);
	tcase_add_test(tcase, a_tenth_at_a_time);
	tcase_add_test(tcase, the_oldest_leave_first);
	tcase_add_test(tcase, a_slow_starter_is_watched_as_long_as_it_needed);
	tcase_add_test(tcase, an_address_that_only_the_old_pool_has_is_left_alone);
	tcase_add_test(tcase, an_address_without_clients_is_not_waited_for);
	tcase_add_test(tcase, an_old_copy_that_ends_is_started_again);
	tcase_add_test(tcase, the_first_copy_ends_before_it_is_ready);
	tcase_add_test(tcase, a_first_copy_ends_while_it_is_watched);
	tcase_add_test(tcase, a_later_copy_may_end_once);
	tcase_add_test(tcase, each_batch_may_lose_a_copy);
	tcase_add_test(tcase, a_copy_that_has_outlived_its_watch_counts_for_nothing);
	tcase_add_loop_test(tcase, patience_has_an_end, 0, 2);
	tcase_add_test(tcase, all_goes_back_step_by_step);
	tcase_add_test(tcase, copies_of_before_that_cannot_start_are_given_up);
	tcase_add_test(tcase, a_service_that_is_paused_meanwhile_proves_nothing);
	tcase_add_test(tcase, after_workers_the_others_start_together);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
