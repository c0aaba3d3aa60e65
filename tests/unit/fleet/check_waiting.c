/* SPDX-License-Identifier: MIT */
/* Optional services that wait. */
#include "fleet/waiting.h"

#include <check.h>

#include "fleet/reopen.h"
#include "pool/pool_new.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct waiting *waiting;

static void clear_waiting(void)
{
	waiting_free(&waiting);
}

START_TEST(pauses_double)
{
	static const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

	log_set_level(LOG_EMERG);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		waiting_failed(&waiting, "a", i == 0 ? "one" : "other");
		ck_assert_int_eq(waiting->next_ms, made_up_now + expected[i]);
		ck_assert_int_eq(waiting->since_ms, 1000000);
		ck_assert_str_eq(waiting->why, i == 0 ? "one" : "other");
		made_up_now = waiting->next_ms;
	}
	clear_waiting();
	ck_assert_ptr_null(waiting);
}
END_TEST

/* A service that is not in the list of what the kernel can bind: its folder is missing. */
#define LATE "late: { handler = \"echo\"; listen = \"unix:/no/such/folder/s\"; optional = true; };"

START_TEST(a_service_that_cannot_be_opened_is_a_member_without_a_pool)
{
	static char services[1024];
	const struct member *member;

	(void)snprintf(services, sizeof(services), "%s %s %s", made_up_service("a", ""), LATE,
		       made_up_service("b", ""));
	made_up_fleet(&fleet, services, 1);
	ck_assert_uint_eq(fleet.n_pools, 2);
	ck_assert_str_eq(fleet.pools[1]->service->name, "b");
	member = member_find(fleet.members, "late");
	ck_assert_ptr_nonnull(member);
	ck_assert_ptr_null(member->now);
	ck_assert_ptr_nonnull(strstr(member_waits_for(member), "No such file"));
	ck_assert_ptr_null(member_waits_for(member_find(fleet.members, "a")));
	fleet_close(&fleet);
}
END_TEST

/* A service whose workers fail keeps its pool, whose policy tries again; it waits until one is ready. */
START_TEST(a_service_whose_workers_fail_waits_with_its_pool)
{
	struct member *member;
	struct pool *pool;

	made_up_fleet(&fleet, made_up_service("a", "optional = true;"), 1);
	member = member_find(fleet.members, "a");
	pool = member->now;
	pool->procs->ready = false;
	atomic_store(&proc_slot(pool->procs)->state, SLOT_STARTING);
	pool->proved = false;
	ck_assert(!pool_is_quiet(pool));
	pool_worker_gone(pool, pool->procs, 256, NULL);
	ck_assert(pool->failed_start && pool_is_quiet(pool));
	ck_assert_str_eq(member_waits_for(member), WAITING_FOR_WORKERS);
	reopen_step(&fleet);
	ck_assert_ptr_nonnull(member->waiting);
	(void)made_up_worker(pool, 0, SLOT_IDLE);
	pool->proved = true;
	ck_assert_ptr_null(member_waits_for(member));
	reopen_step(&fleet);
	ck_assert_ptr_null(member->waiting);
	fleet_close(&fleet);
}
END_TEST

/* The place of a service is that in the configuration, whenever it comes. */
START_TEST(a_service_that_comes_later_has_its_place)
{
	static char services[1024];
	struct member *member;
	struct pool *late;

	(void)snprintf(services, sizeof(services), "%s %s %s", made_up_service("a", ""),
		       made_up_service("late", "optional = true;"), made_up_service("z", ""));
	made_up_fleet(&fleet, services, 1);
	member = member_find(fleet.members, "late");
	late = fleet.pools[1];
	fleet.pools[1] = fleet.pools[2];
	fleet.n_pools = 2;
	member->now = NULL;
	while (late->procs != NULL)
		made_up_leave(late->procs);
	pool_free(&late);
	ck_assert(!made_up_connects("late"));
	reopen_begin(&fleet, &fleet.generation->config->services[1], member);
	ck_assert_uint_eq(fleet.n_pools, 3);
	ck_assert_ptr_eq(fleet.pools[1], member->now);
	ck_assert_str_eq(fleet.pools[2]->service->name, "z");
	ck_assert(made_up_connects("late"));
	fleet_close(&fleet);
}
END_TEST

int main(void)
{
	return SUITE_RUN("waiting", NULL, pauses_double, a_service_that_cannot_be_opened_is_a_member_without_a_pool,
			 a_service_whose_workers_fail_waits_with_its_pool, a_service_that_comes_later_has_its_place);
}
