/* SPDX-License-Identifier: MIT */
/* Workers that cannot be started. */
#include "pool/pool_start.h"

#include "base/clock.h"
#include "base/log.h"

#include "../made_up_pool.h"

static char name[] = "web";
static struct config_service service = {.name = name, .workers = {.min = 2, .max = 8}};
static struct listener listener = {.fd = -1};
static struct proc *by_pid;
static struct pool pool;

static void set_up(void)
{
	struct err err;

	made_up_pool(&pool, &service, &listener, 1, &by_pid);
	pool.generation = (struct generation *)&service; /* is not looked into */
	pool.sources = sources_new(64, &err);
	ck_assert_ptr_nonnull(pool.sources);
	log_set_level(LOG_EMERG);
}

/* The next worker that ends makes room; a pause would come on top of that. */
START_TEST(a_lack_of_slots_is_no_failure)
{
	for (size_t i = 0; i < pool.board.n_slots; i++)
		(void)made_up_worker(&pool, 0, SLOT_LEAVING);
	ck_assert_ptr_null(pool_start_worker(&pool, 0));
	ck_assert_uint_eq(pool.policy.failures, 0);
	ck_assert_int_eq(pool_throttled(&pool, clock_ms()), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool_start");
	TCase *tcase = tcase_create("pool_start");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_lack_of_slots_is_no_failure);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
