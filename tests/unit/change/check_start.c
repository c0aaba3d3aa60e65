/* SPDX-License-Identifier: MIT */
/* When the start of a made-up fleet is over. */
#include "change/start.h"

#include <check.h>

#include "../made_up_fleet.h"

static struct fleet fleet;
static const char *failed;

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 1);
	failed = "?";
}

static void expect_over(bool over)
{
	ck_assert_int_eq(start_is_over(&fleet, &failed), over);
	ck_assert_ptr_null(failed);
}

/* The worker of the service is not ready yet. */
static void make_unready(struct pool *pool)
{
	pool->procs->ready = false;
	atomic_store(&proc_slot(pool->procs)->state, SLOT_STARTING);
}

START_TEST(all_workers_must_be_ready)
{
	expect_over(true);
	make_unready(fleet.pools[1]);
	expect_over(false);
}
END_TEST

START_TEST(a_service_without_a_worker_is_waited_for)
{
	made_up_leave(fleet.pools[0]->procs);
	expect_over(false);
}
END_TEST

START_TEST(a_paused_service_is_not_waited_for)
{
	make_unready(fleet.pools[1]);
	fleet.pools[1]->paused = true;
	expect_over(true);
}
END_TEST

START_TEST(a_drained_service_is_not_waited_for)
{
	make_unready(fleet.pools[1]);
	fleet.pools[1]->state = POOL_DRAINED;
	expect_over(true);
}
END_TEST

START_TEST(the_first_service_that_failed_is_named)
{
	fleet.pools[0]->failed_start = fleet.pools[1]->failed_start = true;
	ck_assert(start_is_over(&fleet, &failed));
	ck_assert_str_eq(failed, "a");
	fleet.pools[0]->failed_start = false;
	make_unready(fleet.pools[0]);
	ck_assert(!start_is_over(&fleet, &failed));
	ck_assert_str_eq(failed, "b");
}
END_TEST

/* Its former generation, before an upgrade, or another worker was ready: it is throttled, not failed. */
START_TEST(a_service_that_has_proved_itself_does_not_fail)
{
	fleet.pools[0]->failed_start = fleet.pools[0]->proved = true;
	expect_over(true);
}
END_TEST

int main(void)
{
	return SUITE_RUN("start", set_up, all_workers_must_be_ready, a_service_without_a_worker_is_waited_for,
			 a_paused_service_is_not_waited_for, a_drained_service_is_not_waited_for,
			 the_first_service_that_failed_is_named, a_service_that_has_proved_itself_does_not_fail);
}
