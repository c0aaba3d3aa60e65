/* SPDX-License-Identifier: MIT */
/* The pools of a made-up fleet: how they are found, looked after and freed. */
#include "fleet/fleet.h"

#include <check.h>

#include "fleet/retiring.h"
#include "pool/pool_new.h"
#include "pool/wind_down.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct err err;
static int rings;

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 1);
}

/* One more pool of the service NAME, which retires. */
static struct pool *add_retiring(const char *name)
{
	struct pool *now = fleet_find(&fleet, name), *pool;
	struct pool_parts parts = fleet_parts(&fleet, fleet.generation, now->service, now);

	parts.listeners = calloc(1, sizeof(*parts.listeners));
	ck_assert_ptr_nonnull(parts.listeners);
	parts.listeners[0].fd = -1;
	parts.n_listeners = 1;
	pool = pool_new(&parts, &err);
	ck_assert_msg(pool != NULL, "%s", err.text);
	wind_down_begin(pool, POOL_ENDING, "reload");
	(void)made_up_worker(pool, 0, SLOT_BUSY);
	retiring_add(&fleet, pool);
	return pool;
}

START_TEST(a_pool_is_found_by_its_service)
{
	ck_assert_ptr_eq(fleet_find(&fleet, "a"), fleet.pools[0]);
	ck_assert_ptr_eq(fleet_find(&fleet, "b"), fleet.pools[1]);
	ck_assert_ptr_null(fleet_find(&fleet, "c"));
	(void)member_get(&fleet.members, "c"); /* of a reload that has not succeeded yet */
	ck_assert_ptr_null(fleet_find(&fleet, "c"));
}
END_TEST

START_TEST(the_pool_in_force_is_found)
{
	(void)add_retiring("a");
	ck_assert_ptr_eq(fleet_find(&fleet, "a"), fleet.pools[0]);
}
END_TEST

START_TEST(next_goes_over_both_lists)
{
	struct pool *first = add_retiring("b"), *second = add_retiring("a");
	struct fleet_cursor at = {0};

	ck_assert_ptr_eq(fleet_next(&fleet, &at), fleet.pools[0]);
	ck_assert_ptr_eq(fleet_next(&fleet, &at), fleet.pools[1]);
	ck_assert_ptr_eq(fleet_next(&fleet, &at), first);
	ck_assert_ptr_eq(fleet_next(&fleet, &at), second);
	ck_assert_ptr_null(fleet_next(&fleet, &at));
	ck_assert_ptr_null(fleet_next(&fleet, &at));
}
END_TEST

START_TEST(next_ends_where_nothing_retires)
{
	struct fleet none = {.dead = -1};
	struct fleet_cursor at = {0}, again = {0};

	ck_assert_ptr_nonnull(fleet_next(&fleet, &at));
	ck_assert_ptr_nonnull(fleet_next(&fleet, &at));
	ck_assert_ptr_null(fleet_next(&fleet, &at));
	ck_assert_ptr_null(fleet_next(&none, &again));
}
END_TEST

START_TEST(next_goes_over_what_retires_alone)
{
	struct fleet_cursor at = {0};
	struct pool *pool = add_retiring("a");
	struct fleet other = {.retiring = pool, .dead = -1};

	ck_assert_ptr_eq(fleet_next(&other, &at), pool);
	ck_assert_ptr_null(fleet_next(&other, &at));
}
END_TEST

START_TEST(parts_share_what_outlives_a_pool)
{
	struct pool *a = fleet.pools[0];
	struct pool_parts parts = fleet_parts(&fleet, fleet.generation, a->service, a);

	ck_assert_ptr_eq(parts.totals, a->totals);
	ck_assert_ptr_eq(parts.sources, a->sources);
	ck_assert_ptr_eq(parts.former, a);
	ck_assert_ptr_eq(parts.by_pid, &fleet.by_pid);
	parts = fleet_parts(&fleet, fleet.generation, a->service, NULL);
	ck_assert_ptr_null(parts.totals);
	ck_assert_ptr_null(parts.sources);
}
END_TEST

START_TEST(a_child_is_found_by_its_pid)
{
	struct pool *former = add_retiring("b");
	pid_t pid = fleet.pools[0]->procs->pid, last = former->procs->pid;

	ck_assert(!fleet_reaped(&fleet, made_up_last_pid + 1, 0, NULL));
	ck_assert(fleet_reaped(&fleet, pid, 0, NULL));
	ck_assert_uint_eq(fleet.pools[0]->n_procs, 0);
	ck_assert_uint_eq(fleet.pools[1]->n_procs, 1);
	ck_assert(!fleet_reaped(&fleet, pid, 0, NULL));
	ck_assert(fleet_reaped(&fleet, last, 0, NULL));
	ck_assert_uint_eq(former->n_procs, 0);
}
END_TEST

START_TEST(each_pool_gets_its_workers)
{
	fleet_look_after(&fleet, true);
	for (size_t i = 0; i < fleet.n_pools; i++)
		ck_assert_int_ge((int64_t)fleet.pools[i]->n_procs, fleet.pools[i]->limits.min);
	ck_assert(fleet.retiring_due);
}
END_TEST

START_TEST(a_fleet_that_stops_starts_no_workers)
{
	fleet.is_stopping = true;
	fleet_look_after(&fleet, true);
	ck_assert_uint_eq(fleet.pools[0]->n_procs, 1);
}
END_TEST

static void on_ring(void *userdata)
{
	ck_assert_ptr_eq(userdata, &rings);
	rings++;
}

/* The pool may have nothing more to do, and is freed only when the event is over. */
START_TEST(a_ring_of_a_pool_that_ends_is_for_later)
{
	struct pool *a = fleet.pools[0];

	fleet.on_event = on_ring;
	fleet.userdata = &rings;
	fleet.retiring_due = false;
	a->on_ring(a, a->on_ring_data);
	ck_assert(!fleet.retiring_due);
	ck_assert_uint_gt(a->n_procs, 1); /* it was looked after */
	a->state = POOL_ENDING;
	made_up_no_workers = true;
	a->on_ring(a, a->on_ring_data);
	ck_assert(fleet.retiring_due);
	ck_assert_int_eq(rings, 2);
}
END_TEST

START_TEST(close_frees_all)
{
	(void)add_retiring("a");
	fleet_close(&fleet);
	ck_assert_ptr_null(fleet.pools);
	ck_assert_uint_eq(fleet.n_pools, 0);
	ck_assert_ptr_null(fleet.retiring);
	ck_assert_ptr_null(fleet.members);
	ck_assert_ptr_null(fleet.generation);
	ck_assert(!made_up_connects("a"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("fleet", set_up, a_pool_is_found_by_its_service, the_pool_in_force_is_found,
			 next_goes_over_both_lists, next_ends_where_nothing_retires, next_goes_over_what_retires_alone,
			 parts_share_what_outlives_a_pool, a_child_is_found_by_its_pid, each_pool_gets_its_workers,
			 a_fleet_that_stops_starts_no_workers, a_ring_of_a_pool_that_ends_is_for_later,
			 close_frees_all);
}
