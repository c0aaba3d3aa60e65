/* SPDX-License-Identifier: MIT */
/* How the pools of a made-up fleet come to rest, and come back, with a clock that the test turns. */
#include "fleet/retiring.h"

#include <check.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fleet/fleet.h"
#include "pool/pool_leave.h"
#include "pool/pool_new.h"
#include "pool/wind_down.h"
#include "worker/contract.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct err err;
static int failures;

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 1);
}

/* A former generation of NAME, with N_WORKERS busy workers. Its successor has its listener. */
static struct pool *make_former(const char *name, size_t n_workers)
{
	struct pool *now = fleet_find(&fleet, name), *pool;
	struct pool_parts parts = fleet_parts(&fleet, fleet.generation, now->service, now);

	parts.listeners = calloc(1, sizeof(*parts.listeners));
	ck_assert_ptr_nonnull(parts.listeners);
	parts.listeners[0].fd = -1;
	parts.n_listeners = 1;
	pool = pool_new(&parts, &err);
	ck_assert_msg(pool != NULL, "%s", err.text);
	for (size_t i = 0; i < n_workers; i++)
		(void)made_up_worker(pool, 0, SLOT_BUSY);
	wind_down_begin(pool, POOL_ENDING, "reload");
	return pool;
}

static size_t count_retiring(void)
{
	struct pool *pool;
	size_t n;

	DL_COUNT(fleet.retiring, pool, n);
	return n;
}

START_TEST(a_pool_is_freed_when_its_last_worker_has_gone)
{
	struct pool *pool = make_former("a", 2);

	retiring_add(&fleet, pool);
	retiring_step(&fleet);
	ck_assert_ptr_eq(fleet.retiring, pool);
	made_up_leave(pool->procs);
	retiring_step(&fleet);
	ck_assert_ptr_eq(fleet.retiring, pool);
	made_up_leave(pool->procs);
	ck_assert_ptr_eq(fleet.retiring, pool); /* not inside of the event */
	retiring_step(&fleet);
	ck_assert_ptr_null(fleet.retiring);
	ck_assert(made_up_connects("a"));
}
END_TEST

START_TEST(one_that_ends_does_not_disturb_the_others)
{
	struct pool *first = make_former("a", 1), *second = make_former("a", 0), *third = make_former("b", 1);

	retiring_add(&fleet, first);
	retiring_add(&fleet, second);
	retiring_add(&fleet, third);
	retiring_step(&fleet);
	ck_assert_uint_eq(count_retiring(), 2);
	ck_assert_ptr_eq(fleet.retiring, first);
	ck_assert_ptr_eq(first->next, third);
}
END_TEST

START_TEST(a_superseded_pool_serves_on)
{
	struct pool *pool = make_former("a", 0);

	pool->state = POOL_SUPERSEDED;
	retiring_add(&fleet, pool);
	made_up_now += 1000000;
	retiring_step(&fleet);
	ck_assert_ptr_eq(fleet.retiring, pool);
}
END_TEST

START_TEST(patience_with_clients_has_an_end)
{
	struct pool *pool = make_former("a", 1);
	int64_t drain = pool->service->timeouts.drain;

	ck_assert_int_gt(drain, 0);
	retiring_add(&fleet, pool);
	made_up_now += drain - 1;
	retiring_step(&fleet);
	ck_assert_uint_eq(made_up_killed(pool->procs->pid, WORKER_SIGNAL_CUT), 0);
	made_up_now++;
	retiring_step(&fleet);
	ck_assert_uint_eq(made_up_killed(pool->procs->pid, WORKER_SIGNAL_CUT), 1);
}
END_TEST

START_TEST(a_stop_winds_down_by_itself)
{
	retiring_add(&fleet, make_former("a", 0));
	fleet.is_stopping = fleet.retiring_due = true;
	retiring_step(&fleet);
	ck_assert_uint_eq(count_retiring(), 1);
	ck_assert(!fleet.retiring_due);
}
END_TEST

START_TEST(too_many_former_generations_are_bounded)
{
	struct pool *oldest = make_former("a", 1), *other = make_former("b", 1), *second;

	retiring_add(&fleet, other); /* the oldest of all, but of another service */
	retiring_add(&fleet, oldest);
	second = make_former("a", 1);
	retiring_add(&fleet, second);
	for (int i = 2; i < RETIRING_MAX; i++)
		retiring_add(&fleet, make_former("a", 1));
	ck_assert(!oldest->cut);
	retiring_add(&fleet, make_former("a", 1));
	ck_assert(oldest->cut && !second->cut && !other->cut);
	ck_assert_uint_eq(made_up_killed(oldest->procs->pid, WORKER_SIGNAL_CUT), 1);
	retiring_bound(&fleet, oldest); /* one that was cut does not count any more */
	ck_assert(!second->cut);
	retiring_add(&fleet, make_former("a", 1));
	ck_assert(second->cut && !other->cut);
}
END_TEST

START_TEST(all_former_workers_must_have_heard)
{
	struct pool *pool = make_former("a", 2);

	ck_assert(retiring_has_heard(&fleet));
	pool_retire(fleet.pools[0], -1); /* in force: not asked for */
	ck_assert(retiring_has_heard(&fleet));
	retiring_add(&fleet, pool);
	ck_assert(!retiring_has_heard(&fleet));
	made_up_hear(pool->procs);
	ck_assert(!retiring_has_heard(&fleet));
	made_up_hear(pool->procs->next);
	ck_assert(retiring_has_heard(&fleet));
}
END_TEST

static void drain_all(void)
{
	fleet.drained = true;
	for (size_t i = 0; i < fleet.n_pools; i++)
		wind_down_begin(fleet.pools[i], POOL_DRAINING, "drain");
	retiring_step(&fleet);
	for (size_t i = 0; i < fleet.n_pools; i++)
		ck_assert_int_eq(fleet.pools[i]->state, POOL_DRAINED);
}

static void on_failure(const char *why, void *userdata)
{
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_eq(userdata, &failures);
	failures++;
}

START_TEST(a_drained_fleet_comes_back)
{
	drain_all();
	ck_assert(!made_up_connects("a"));
	ck_assert_uint_eq(made_up_killed(fleet.pools[0]->procs->pid, WORKER_SIGNAL_RETIRE), 1);
	fleet.drained = false;
	ck_assert_uint_eq(retiring_undrain(&fleet, true, on_failure, &failures), 0);
	ck_assert_int_eq(failures, 0);
	for (size_t i = 0; i < fleet.n_pools; i++)
		ck_assert_int_eq(fleet.pools[i]->state, POOL_SERVING);
	ck_assert(made_up_connects("a") && made_up_connects("b"));
	ck_assert_uint_eq(retiring_undrain(&fleet, true, on_failure, &failures), 0);
}
END_TEST

/* An abstract name is free only when the last process has closed the socket. */
START_TEST(an_undrain_waits_for_those_that_have_the_socket)
{
	drain_all();
	fleet.drained = false;
	ck_assert_uint_eq(retiring_undrain(&fleet, false, NULL, NULL), 2);
	ck_assert_int_eq(fleet.pools[0]->state, POOL_DRAINED);
	ck_assert_uint_eq(retiring_undrain(&fleet, true, NULL, NULL), 0);
	ck_assert_int_eq(fleet.pools[0]->state, POOL_SERVING);
}
END_TEST

START_TEST(an_address_that_is_taken_is_reported)
{
	struct sockaddr_any addr = fleet.pools[0]->listeners[0].addr;
	int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	drain_all();
	fleet.drained = false;
	fd_close(&fleet.pools[0]->listeners[0].fd);
	ck_assert_int_eq(bind(other, &addr.sa, addr.len), 0);
	fleet.pools[0]->listeners[0].fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	ck_assert_uint_eq(retiring_undrain(&fleet, true, on_failure, &failures), 0);
	ck_assert_int_eq(failures, 1);
	ck_assert(made_up_connects("b")); /* the others are served */
	(void)close(other);
}
END_TEST

START_TEST(a_paused_service_keeps_its_queue)
{
	struct pool *a = fleet.pools[0];
	struct listener *listener = &a->listeners[0];
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), served;

	ck_assert_int_eq(connect(client, &listener->addr.sa, listener->addr.len), 0);
	a->paused = true;
	fleet.drained = true;
	wind_down_begin(a, POOL_DRAINING, "drain");
	retiring_step(&fleet);
	ck_assert_int_eq(a->state, POOL_DRAINING);
	ck_assert(!listener->refusing);
	a->paused = false;
	served = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(served, 0);
	retiring_step(&fleet);
	ck_assert_int_eq(a->state, POOL_DRAINED);
	ck_assert(listener->refusing);
	(void)close(served);
	(void)close(client);
}
END_TEST

START_TEST(a_paused_service_without_a_queue_is_drained_at_once)
{
	struct pool *a = fleet.pools[0];

	a->paused = true;
	fleet.drained = true;
	wind_down_begin(a, POOL_DRAINING, "drain");
	retiring_step(&fleet);
	ck_assert_int_eq(a->state, POOL_DRAINED);
	ck_assert(a->listeners[0].refusing && a->paused);
}
END_TEST

/* The order has been answered, and the service could not come back then. */
START_TEST(a_step_goes_on_with_an_undrain)
{
	fleet.pools[0]->state = POOL_DRAINED;
	retiring_step(&fleet);
	ck_assert_int_eq(fleet.pools[0]->state, POOL_SERVING);
	fleet.pools[0]->state = POOL_DRAINED;
	fleet.drained = true;
	retiring_step(&fleet);
	ck_assert_int_eq(fleet.pools[0]->state, POOL_DRAINED);
}
END_TEST

int main(void)
{
	return SUITE_RUN("retiring", set_up, a_pool_is_freed_when_its_last_worker_has_gone,
			 one_that_ends_does_not_disturb_the_others, a_superseded_pool_serves_on,
			 patience_with_clients_has_an_end, a_stop_winds_down_by_itself,
			 too_many_former_generations_are_bounded, all_former_workers_must_have_heard,
			 a_drained_fleet_comes_back, an_undrain_waits_for_those_that_have_the_socket,
			 an_address_that_is_taken_is_reported, a_paused_service_keeps_its_queue,
			 a_paused_service_without_a_queue_is_drained_at_once, a_step_goes_on_with_an_undrain);
}
