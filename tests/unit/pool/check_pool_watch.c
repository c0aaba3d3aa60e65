/* SPDX-License-Identifier: MIT */
/* How often the ring of a pool makes the master look. */
#include <sys/eventfd.h>

#include "base/clock.h"
#include "pool/pool_full.h"
#include "pool/pool_watch.h"
#include "pool/source_rest.h"

#include "../made_up_pool.h"

#define FLOOD_MS 200

static char name[] = "web";
static struct config_service service = {.name = name};
static struct listener listener = {.fd = -1};
static struct proc *by_pid;
static struct pool pool;
static unsigned looks;

static void look(struct pool *of, void *userdata)
{
	(void)userdata;
	board_answer(&of->board, of->ring);
	looks++;
}

static void set_up(void)
{
	static struct pool_full full;
	struct err err;

	made_up_pool(&pool, &service, &listener, 1, &by_pid);
	pool.full = &full;
	pool.ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(sd_event_new(&pool.event), 0);
	ck_assert_int_eq(pool_watch(&pool, look, NULL, &err), 0);
}

/* What the loop does until nothing is left to do for a while. */
static void run_until_quiet(void)
{
	while (sd_event_run(pool.event, 50 * SOURCE_REST_US) > 0)
		;
}

START_TEST(each_ring_is_answered)
{
	for (unsigned i = 1; i <= 5; i++) {
		board_ring(&pool.board, pool.ring);
		run_until_quiet();
		ck_assert_uint_eq(looks, i);
	}
	/* two at the same time: the second look comes after the rest */
	board_ring(&pool.board, pool.ring);
	ck_assert_int_gt(sd_event_run(pool.event, 0), 0);
	board_ring(&pool.board, pool.ring);
	run_until_quiet();
	ck_assert_uint_eq(looks, 7);
}
END_TEST

/* A worker that ran wild writes to the eventfd without looking at the board. */
START_TEST(a_flood_costs_a_look_in_a_millisecond)
{
	int64_t start = clock_ms(), took;

	do {
		ck_assert_int_eq(eventfd_write(pool.ring, 1), 0);
		ck_assert_int_ge(sd_event_run(pool.event, 0), 0);
		took = clock_ms() - start;
	} while (took < FLOOD_MS);
	ck_assert_uint_ge(looks, 2);
	ck_assert_uint_le(looks, (unsigned)took + 2);
	run_until_quiet();
	looks = 0;
	board_ring(&pool.board, pool.ring); /* and afterwards it is heard as ever */
	run_until_quiet();
	ck_assert_uint_eq(looks, 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("pool_watch", set_up, each_ring_is_answered, a_flood_costs_a_look_in_a_millisecond);
}
