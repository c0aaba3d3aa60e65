/* SPDX-License-Identifier: MIT */
/* The pool's policy with a clock that the test turns. */

#include "../suite.h"
#include "pool/pool_policy.h"

static const struct policy_limits limits = {.min = 2, .min_spare = 2, .max_spare = 4, .max = 20};
static struct pool_policy policy;
static struct policy_lane lanes[2];
static int64_t now;

static void setup(void)
{
	policy = (struct pool_policy){.step = 0};
	lanes[0] = lanes[1] = (struct policy_lane){.start = 0};
	now = 1000000;
}

static struct policy_verdict decide(size_t n)
{
	return pool_policy_decide(&policy, &limits, lanes, n, now);
}

/* The workers that were asked for have become idle. */
static void let_start(size_t lane)
{
	lanes[lane].idle += lanes[lane].start;
	lanes[lane].start = 0;
}

START_TEST(starts_the_minimum)
{
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 2);
	lanes[0].starting = 2;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 0);
}
END_TEST

START_TEST(keeps_spare_workers)
{
	lanes[0].busy = 5;
	lanes[0].idle = 1;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 1);
}
END_TEST

START_TEST(gives_up_what_is_above_a_lowered_max)
{
	struct policy_limits lower = {.min = 1, .min_spare = 1, .max_spare = 20, .max = 8};

	lanes[0].idle = 10;
	lanes[0].busy = 6;
	(void)pool_policy_decide(&policy, &lower, lanes, 1, now);
	ck_assert_int_eq(lanes[0].stop, 16 - 8);
	ck_assert_int_eq(lanes[0].start, 0);
	/* a successor stands beside its predecessor until it is ready */
	lanes[0].idle = 2;
	lanes[0].starting = 1;
	(void)pool_policy_decide(&policy, &lower, lanes, 1, now);
	ck_assert_int_eq(lanes[0].stop, 0);
	lanes[0].starting = lanes[0].idle = 0;
	lanes[0].busy = 16;
	(void)pool_policy_decide(&policy, &lower, lanes, 1, now);
	ck_assert_int_eq(lanes[0].stop, 0);
}
END_TEST

START_TEST(never_leaves_a_lane_without_a_worker)
{
	struct policy_limits none = {.min = 0, .min_spare = 0, .max_spare = 0, .max = 4};

	(void)pool_policy_decide(&policy, &none, lanes, 1, now);
	ck_assert_int_eq(lanes[0].start, 1);
}
END_TEST

START_TEST(doubles_while_clients_queue)
{
	static const int expect[] = {4, 8};

	lanes[0].busy = 2;
	for (int i = 0; i < 2; i++) {
		lanes[0].pending = true;
		(void)decide(1);
		ck_assert_int_eq(lanes[0].start, expect[i]);
		lanes[0].busy += lanes[0].start; /* all taken at once */
		now += 5;
	}
	/* and no further than max */
	ck_assert(!decide(1).full || lanes[0].start < 16);
	ck_assert_int_eq(lanes[0].busy + lanes[0].start, 20);
}
END_TEST

START_TEST(calm_resets_the_step)
{
	lanes[0].busy = 2;
	lanes[0].pending = true;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 4);
	now += POLICY_CALM_MS + 1;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 4);
}
END_TEST

START_TEST(waits_for_those_that_start)
{
	lanes[0].busy = 2;
	lanes[0].starting = 2;
	lanes[0].pending = true;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 0);
}
END_TEST

START_TEST(says_full_only_when_clients_wait)
{
	lanes[0].busy = 20;
	ck_assert(!decide(1).full);
	lanes[0].pending = true;
	ck_assert(decide(1).full);
	ck_assert_int_eq(lanes[0].start, 0);
}
END_TEST

START_TEST(shrinks_by_low_water_only_after_the_interval)
{
	lanes[0].idle = 10;
	lanes[0].lowest = 7;
	ck_assert(!decide(1).interval_over);
	ck_assert_int_eq(lanes[0].stop, 0);
	now += POLICY_SHRINK_MS;
	ck_assert(decide(1).interval_over);
	ck_assert_int_eq(lanes[0].stop, 3); /* 7 were never needed, 4 may stay */
}
END_TEST

START_TEST(never_shrinks_below_the_minimum)
{
	struct policy_limits high = {.min = 9, .min_spare = 0, .max_spare = 1, .max = 20};

	lanes[0].idle = lanes[0].lowest = 10;
	(void)pool_policy_decide(&policy, &high, lanes, 1, now);
	now += POLICY_SHRINK_MS;
	(void)pool_policy_decide(&policy, &high, lanes, 1, now);
	ck_assert_int_eq(lanes[0].stop, 1);
}
END_TEST

START_TEST(backs_off_longer_each_time)
{
	int64_t hold = POLICY_HOLD_FIRST_MS;

	for (int i = 0; i < 12; i++) {
		pool_policy_failed(&policy, now);
		pool_policy_failed(&policy, now); /* started together: counts once */
		now += hold - 1;
		(void)decide(1);
		ck_assert_int_eq(lanes[0].start, 0);
		now += 1;
		(void)decide(1);
		ck_assert_int_eq(lanes[0].start, 2);
		hold = hold * 2 < POLICY_HOLD_LAST_MS ? hold * 2 : POLICY_HOLD_LAST_MS;
	}
	pool_policy_failed(&policy, now);
	pool_policy_proved(&policy);
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 2);
	ck_assert_uint_eq(policy.failures, 0);
}
END_TEST

START_TEST(spent_workers_are_replaced_beyond_max_in_bounds)
{
	lanes[0].busy = 20;
	lanes[0].spent = 10;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].replace, 3); /* 1 + 20 / 8 */
	ck_assert_int_eq(lanes[0].start, 3);
}
END_TEST

START_TEST(at_max_idle_workers_move_to_the_queue)
{
	lanes[0].busy = 12;
	lanes[0].pending = true;
	lanes[1].idle = 8;
	(void)decide(2);
	ck_assert_int_eq(lanes[0].start, 0);
	ck_assert_int_eq(lanes[1].stop, 4);
	/* they have left */
	lanes[1].idle -= 4;
	now += 5;
	(void)decide(2);
	ck_assert_int_eq(lanes[0].start, 4);
	ck_assert_int_eq(lanes[1].start, 0);
}
END_TEST

START_TEST(a_move_leaves_the_minimum_behind)
{
	lanes[0].busy = 18;
	lanes[0].pending = true;
	lanes[1].idle = 2;
	ck_assert(decide(2).full);
	ck_assert_int_eq(lanes[1].stop, 0);
}
END_TEST

START_TEST(every_lanes_minimum_comes_first)
{
	struct policy_limits tight = {.min = 1, .min_spare = 8, .max_spare = 8, .max = 2};

	(void)pool_policy_decide(&policy, &tight, lanes, 2, now);
	ck_assert_int_eq(lanes[0].start, 1);
	ck_assert_int_eq(lanes[1].start, 1);
	/* also when another lane is flooded */
	lanes[0].busy = 18;
	lanes[0].pending = true;
	(void)decide(2);
	ck_assert_int_eq(lanes[0].start, 0);
	ck_assert_int_eq(lanes[1].start, 2);
}
END_TEST

START_TEST(those_that_leave_take_the_place_of_none_that_must_be_there)
{
	struct policy_limits copies = {.min = 2, .max = 2, .keep_min = true};

	lanes[0].idle = 1;
	lanes[0].spent = 1;
	lanes[0].leaving = 2;
	(void)pool_policy_decide(&policy, &copies, lanes, 1, now);
	ck_assert_int_eq(lanes[0].start, 1);
	ck_assert_int_eq(lanes[0].replace, 0); /* that can wait */
	copies.keep_min = false;
	(void)pool_policy_decide(&policy, &copies, lanes, 1, now);
	ck_assert_int_eq(lanes[0].start, 0);
}
END_TEST

START_TEST(idle_workers_that_take_nobody_do_not_count)
{
	lanes[0].idle = 2;
	lanes[0].pending = true;
	(void)decide(1);
	ck_assert_int_eq(lanes[0].start, 0);
	lanes[0].stuck = true;
	(void)decide(1);
	ck_assert_int_gt(lanes[0].start, 0);
}
END_TEST

START_TEST(queued_clients_come_before_spare_workers)
{
	lanes[0].busy = 2; /* lacks spare ones, and comes first in the list */
	lanes[1].busy = 17;
	lanes[1].pending = true;
	(void)decide(2);
	ck_assert_int_eq(lanes[0].start, 0);
	ck_assert_int_eq(lanes[1].start, 1);
	let_start(1);
}
END_TEST

/* workers.max = 20 at two addresses, and one more at each to turn clients away. */
static const struct policy_limits refusing = {
	.min = 1, .min_spare = 1, .max_spare = 1, .max = 20 + 2, .one_idle = true};

START_TEST(one_at_each_address_turns_clients_away)
{
	/* room is left for that of the other address, however many come to this one */
	lanes[0].busy = 19;
	lanes[0].pending = true;
	lanes[1].busy = 1;
	(void)pool_policy_decide(&policy, &refusing, lanes, 2, now);
	ck_assert_int_eq(lanes[0].start, 1);
	ck_assert_int_eq(lanes[1].start, 1);
	let_start(0);
	let_start(1);
	lanes[0].pending = false;
	ck_assert(!pool_policy_decide(&policy, &refusing, lanes, 2, now).full);
	ck_assert_int_eq(lanes[0].start + lanes[1].start, 0);
}
END_TEST

START_TEST(an_address_without_one_gets_anothers)
{
	lanes[0].busy = 17;
	lanes[0].idle = 2;
	lanes[1].busy = 3;
	(void)pool_policy_decide(&policy, &refusing, lanes, 2, now);
	ck_assert_int_eq(lanes[0].stop, 1);
	/* it is on its way: no other one goes */
	lanes[0].idle = 1;
	lanes[0].leaving = 1;
	(void)pool_policy_decide(&policy, &refusing, lanes, 2, now);
	ck_assert_int_eq(lanes[0].stop, 0);
	lanes[0].leaving = 0;
	(void)pool_policy_decide(&policy, &refusing, lanes, 2, now);
	ck_assert_int_eq(lanes[1].start, 1);
	/* nor does the last one, though clients wait here */
	lanes[1].idle = lanes[1].start = 0;
	lanes[1].busy = 4;
	lanes[1].pending = true;
	ck_assert(pool_policy_decide(&policy, &refusing, lanes, 2, now).full);
	ck_assert_int_eq(lanes[0].stop, 0);
}
END_TEST

START_TEST(the_one_that_turns_away_stays)
{
	struct policy_limits none = {.min = 0, .min_spare = 0, .max_spare = 0, .max = 21, .one_idle = true};

	lanes[0].busy = 3;
	lanes[0].idle = lanes[0].lowest = 2;
	(void)pool_policy_decide(&policy, &none, lanes, 1, now);
	now += POLICY_SHRINK_MS;
	(void)pool_policy_decide(&policy, &none, lanes, 1, now);
	ck_assert_int_eq(lanes[0].stop, 1);
	lanes[0].idle = lanes[0].lowest = 0;
	(void)pool_policy_decide(&policy, &none, lanes, 1, now);
	ck_assert_int_eq(lanes[0].start, 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("pool_policy", setup, starts_the_minimum, gives_up_what_is_above_a_lowered_max,
			 keeps_spare_workers, never_leaves_a_lane_without_a_worker, doubles_while_clients_queue,
			 calm_resets_the_step, waits_for_those_that_start, says_full_only_when_clients_wait,
			 shrinks_by_low_water_only_after_the_interval, never_shrinks_below_the_minimum,
			 backs_off_longer_each_time, spent_workers_are_replaced_beyond_max_in_bounds,
			 at_max_idle_workers_move_to_the_queue, a_move_leaves_the_minimum_behind,
			 every_lanes_minimum_comes_first, those_that_leave_take_the_place_of_none_that_must_be_there,
			 idle_workers_that_take_nobody_do_not_count, queued_clients_come_before_spare_workers,
			 one_at_each_address_turns_clients_away, an_address_without_one_gets_anothers,
			 the_one_that_turns_away_stays);
}
