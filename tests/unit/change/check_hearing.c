/* SPDX-License-Identifier: MIT */
/* Which workers of a made-up fleet have not heard an order. */
#include "change/hearing.h"

#include <check.h>

#include "fleet/retiring.h"
#include "pool/pool_leave.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct hearing hearing;

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 3);
	hearing = (struct hearing){0};
}

START_TEST(a_worker_without_an_order_is_not_deaf)
{
	hearing_of_pool(fleet.pools[0], &hearing);
	ck_assert_uint_eq(hearing.n_deaf, 0);
}
END_TEST

START_TEST(those_that_have_not_heard_are_counted)
{
	struct pool *a = fleet.pools[0];

	pool_retire(a, -1);
	made_up_hear(a->procs);
	hearing_of_pool(a, &hearing);
	ck_assert_uint_eq(hearing.n_deaf, 2);
	ck_assert_int_eq(hearing.first, a->procs->next->pid);
	made_up_hear(a->procs->next);
	made_up_leave(a->procs->prev);
	hearing = (struct hearing){0};
	hearing_of_pool(a, &hearing);
	ck_assert_uint_eq(hearing.n_deaf, 0);
}
END_TEST

START_TEST(a_worker_that_is_killed_is_not_waited_for)
{
	pool_retire(fleet.pools[0], -1);
	fleet.pools[0]->procs->kill_ms = made_up_now;
	hearing_of_pool(fleet.pools[0], &hearing);
	ck_assert_uint_eq(hearing.n_deaf, 2);
}
END_TEST

START_TEST(former_generations_of_the_service_count)
{
	static struct pool former; /* reachable until the end, with all that it owns */
	struct pool *a = fleet.pools[0], *b = fleet.pools[1];
	struct listener none[1] = {{.fd = -1}};

	made_up_pool(&former, a->service, none, 1, &fleet.by_pid);
	totals_unref(&former.totals);
	former.totals = a->totals;
	(void)made_up_worker(&former, 0, SLOT_BUSY);
	retiring_add(&fleet, &former);
	pool_retire(&former, -1);
	pool_retire(b, -1);
	hearing_of_service(&fleet, a, &hearing);
	ck_assert_uint_eq(hearing.n_deaf, 1);
	ck_assert_int_eq(hearing.first, former.procs->pid);
	hearing_of_service(&fleet, b, &hearing); /* adds */
	ck_assert_uint_eq(hearing.n_deaf, 4);
	ck_assert_int_eq(hearing.first, former.procs->pid);
}
END_TEST

START_TEST(the_text_counts_and_names_one)
{
	char text[128];

	hearing_write("paused", &(struct hearing){.n_deaf = 1, .first = 123}, text, sizeof(text));
	ck_assert_str_eq(text, "paused, but 1 worker has not heard it (pid 123)");
	hearing_write("drained", &(struct hearing){.n_deaf = 2, .first = 7}, text, sizeof(text));
	ck_assert_str_eq(text, "drained, but 2 workers have not heard it (pid 7, ...)");
}
END_TEST

int main(void)
{
	return SUITE_RUN("hearing", set_up, a_worker_without_an_order_is_not_deaf,
			 those_that_have_not_heard_are_counted, a_worker_that_is_killed_is_not_waited_for,
			 former_generations_of_the_service_count, the_text_counts_and_names_one);
}
