/* SPDX-License-Identifier: MIT */
/* A plan changes the pools of a made-up fleet: each service is kept, changed, replaced, added or removed. */
#include "change/plan.h"

#include <check.h>
#include <string.h>

#include "base/err.h"
#include "fleet/retiring.h"
#include "pool/wind_down.h"
#include "worker/contract.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct plan plan;
static struct err err;

/* Plans a reload to SERVICES. */
static int plan_services(const char *services)
{
	struct generation *next = made_up_generation(services, fleet.generation->number + 1);
	int rc = plan_reload(&plan, &fleet, next, &err);

	generation_unref(&next);
	return rc;
}

static void expect_planned(const char *services)
{
	ck_assert_msg(plan_services(services) == 0, "%s", err.text);
}

static void expect_described(const char *text)
{
	char description[128];

	plan_describe(&plan, &fleet, description, sizeof(description));
	ck_assert_str_eq(description, text);
}

static void expect_committed(void)
{
	ck_assert_msg(plan_listen(&plan, &fleet, &err) == 0, "%s", err.text);
	plan_commit(&plan, &fleet);
}

static size_t count_retiring(void)
{
	struct pool *pool;
	size_t n;

	DL_COUNT(fleet.retiring, pool, n);
	return n;
}

START_TEST(the_same_configuration_is_no_plan)
{
	expect_planned(made_up_services("a b"));
	ck_assert_ptr_null(plan.items[0].fresh);
	ck_assert(plan_is_empty(&plan, &fleet));
	expect_described("0 services changed, 0 added, 0 removed");
}
END_TEST

START_TEST(a_service_is_kept)
{
	struct pool *a = fleet.pools[0];
	struct generation *before = a->generation;

	expect_planned(made_up_services("a b c"));
	ck_assert(!plan_is_empty(&plan, &fleet));
	expect_committed();
	ck_assert_ptr_eq(fleet.pools[0], a);
	ck_assert_ptr_ne(a->generation, before);
	ck_assert_ptr_eq(a->generation, fleet.generation);
	ck_assert_ptr_eq(a->service, &fleet.generation->config->services[0]);
	ck_assert_uint_eq(made_up_n_kills, 0);
	ck_assert_uint_eq(count_retiring(), 0);
}
END_TEST

START_TEST(a_service_changes_while_it_lives)
{
	struct pool *a = fleet.pools[0];

	expect_planned(made_up_service("a", "workers: { max_spare = 20; };"));
	ck_assert_int_eq(plan.items[0].change, CHANGE_LIVE);
	ck_assert_str_eq(plan.items[0].keys, "workers.max_spare");
	expect_described("1 service changed, 0 added, 1 removed");
	expect_committed();
	ck_assert_ptr_eq(fleet.pools[0], a);
	ck_assert_int_eq(a->limits.max_spare, 20);
	ck_assert_uint_eq(made_up_killed(a->procs->pid, WORKER_SIGNAL_RETIRE), 0);
}
END_TEST

/* The pool was made anew for fewer workers than are configured. */
START_TEST(a_board_without_room_is_replaced)
{
	struct config_workers limits = fleet.pools[0]->limits;

	limits.max = 3;
	ck_assert_int_eq(plan_replace(&plan, &fleet, fleet.pools[0], &limits, "resize", &err), 0);
	expect_committed();
	plan_clear(&plan);
	expect_planned(made_up_services("a b"));
	ck_assert_int_eq(plan.items[0].change, CHANGE_LIVE);
	ck_assert_ptr_nonnull(plan.items[0].fresh);
	ck_assert_ptr_null(plan.items[1].fresh);
}
END_TEST

START_TEST(a_service_is_replaced)
{
	struct pool *old = fleet.pools[0], *fresh;
	pid_t worker = old->procs->pid;
	int fd = old->listeners[0].fd;

	old->proved = true;
	expect_planned(made_up_service("a", "timeouts: { idle = \"5s\"; };"));
	fresh = plan.items[0].fresh;
	ck_assert_ptr_nonnull(fresh);
	ck_assert_int_eq(fresh->state, POOL_HELD);
	ck_assert_int_eq(old->listeners[0].fd, fd); /* only borrowed */
	expect_committed();
	ck_assert_ptr_eq(fleet.pools[0], fresh);
	ck_assert_ptr_eq(fleet_find(&fleet, "a"), fresh);
	ck_assert_int_eq(fresh->state, POOL_SERVING);
	ck_assert_int_eq(fresh->listeners[0].fd, fd);
	ck_assert_int_eq(old->listeners[0].fd, -1);
	ck_assert_int_eq(old->state, POOL_SUPERSEDED);
	ck_assert(fresh->proved);
	ck_assert_ptr_eq(fresh->totals, old->totals);
	ck_assert_uint_eq(made_up_killed(worker, WORKER_SIGNAL_RETIRE), 0); /* it serves until the new ones are ready */
	plan_retire(&plan, &fleet);
	ck_assert_int_eq(old->state, POOL_SUPERSEDED); /* there is nobody else who could take a client */
	ck_assert(old->yields);
	(void)made_up_worker(fresh, 0, SLOT_IDLE);
	plan_retire(&plan, &fleet);
	ck_assert_int_eq(old->state, POOL_ENDING);
	ck_assert_str_eq(old->occasion, "reload");
	ck_assert_uint_eq(made_up_killed(worker, WORKER_SIGNAL_RETIRE), 1);
	ck_assert(made_up_connects("a"));
}
END_TEST

START_TEST(a_service_is_added)
{
	struct member *member;

	expect_planned(made_up_services("a b c"));
	expect_described("0 services changed, 1 added, 0 removed");
	member = member_find(fleet.members, "c");
	ck_assert_ptr_nonnull(member);
	ck_assert_ptr_null(member->now);
	ck_assert(!made_up_connects("c"));
	expect_committed();
	ck_assert(made_up_connects("c"));
	ck_assert_uint_eq(fleet.n_pools, 3);
	ck_assert_ptr_eq(member->now, fleet.pools[2]);
	ck_assert_int_eq(fleet.pools[2]->state, POOL_SERVING);
}
END_TEST

START_TEST(a_service_is_removed)
{
	struct pool *b = fleet.pools[1];
	struct member *member = member_ref(member_find(fleet.members, "b"));
	pid_t worker = b->procs->pid;

	expect_planned(made_up_services("a"));
	ck_assert(!plan_is_empty(&plan, &fleet));
	expect_described("0 services changed, 0 added, 1 removed");
	expect_committed();
	ck_assert_uint_eq(fleet.n_pools, 1);
	ck_assert_ptr_eq(fleet.retiring, b);
	ck_assert_int_eq(b->state, POOL_ENDING);
	ck_assert_ptr_null(member_find(fleet.members, "b"));
	ck_assert_ptr_null(member->now); /* for an order that still refers to it */
	member_unref(&member);
	plan_retire(&plan, &fleet);
	ck_assert_uint_eq(made_up_killed(worker, WORKER_SIGNAL_RETIRE), 1);
	ck_assert(!made_up_connects("b"));
}
END_TEST

START_TEST(an_address_moves_to_another_service)
{
	struct pool *b = fleet.pools[1];
	int fd = b->listeners[0].fd;
	char text[256];

	(void)snprintf(text, sizeof(text), "c: { handler = \"discard\"; listen = \"unix:@made_up_fleet-%d-b\"; };",
		       (int)getpid());
	expect_planned(text);
	expect_described("0 services changed, 1 added, 2 removed");
	expect_committed();
	ck_assert_int_eq(fleet.pools[0]->listeners[0].fd, fd);
	ck_assert_int_eq(b->listeners[0].fd, -1);
	ck_assert(made_up_connects("b"));
}
END_TEST

START_TEST(a_dropped_plan_leaves_all_as_it_was)
{
	struct pool *a = fleet.pools[0], *b = fleet.pools[1];
	struct generation *before = fleet.generation;
	char text[1024];

	(void)snprintf(text, sizeof(text), "%s\n%s", made_up_service("a", "timeouts: { idle = \"5s\"; };"),
		       made_up_service("c", ""));
	expect_planned(text);
	plan_drop(&plan, &fleet);
	ck_assert_ptr_eq(fleet.generation, before);
	ck_assert_uint_eq(fleet.n_pools, 2);
	ck_assert_ptr_eq(fleet_find(&fleet, "a"), a);
	ck_assert_ptr_eq(fleet_find(&fleet, "b"), b);
	ck_assert_int_eq(a->state, POOL_SERVING);
	ck_assert_ptr_null(member_find(fleet.members, "c"));
	ck_assert_ptr_null(plan.items[0].fresh);
	ck_assert_uint_eq(count_retiring(), 2);
	retiring_step(&fleet);
	ck_assert_uint_eq(count_retiring(), 0);
	ck_assert(made_up_connects("a"));
	plan_clear(&plan);
	expect_planned(made_up_services("a b c")); /* the address of c is free again */
}
END_TEST

START_TEST(workers_of_a_dropped_plan_leave)
{
	pid_t canary;

	expect_planned(made_up_service("a", "timeouts: { idle = \"5s\"; };"));
	canary = made_up_worker(plan.items[0].fresh, 0, SLOT_STARTING)->pid;
	plan_drop(&plan, &fleet);
	ck_assert_uint_eq(made_up_killed(canary, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(made_up_n_kills, 1);
}
END_TEST

START_TEST(an_address_in_use_is_an_error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "made_up_fleet-%d-c", (int)getpid());

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)),
			 0);
	ck_assert_int_eq(plan_services(made_up_services("a c")), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "services.c: "));
	plan_drop(&plan, &fleet);
	ck_assert_ptr_null(member_find(fleet.members, "c"));
	ck_assert_ptr_nonnull(member_find(fleet.members, "b"));
	(void)close(fd);
}
END_TEST

START_TEST(a_fresh_pool_of_a_paused_service_is_paused)
{
	struct pool *fresh;

	member_find(fleet.members, "a")->paused = fleet.pools[0]->paused = true;
	expect_planned(made_up_service("a", "timeouts: { idle = \"5s\"; };"));
	fresh = plan.items[0].fresh;
	ck_assert(!fresh->paused);
	expect_committed();
	ck_assert(fresh->paused);
	ck_assert_int_eq(fresh->state, POOL_SERVING);
}
END_TEST

START_TEST(a_fresh_pool_of_a_drained_fleet_is_drained)
{
	char text[1024];

	fleet.drained = true;
	for (size_t i = 0; i < fleet.n_pools; i++)
		wind_down_begin(fleet.pools[i], POOL_DRAINING, "drain");
	retiring_step(&fleet);
	(void)snprintf(text, sizeof(text), "%s\n%s", made_up_service("a", "timeouts: { idle = \"5s\"; };"),
		       made_up_service("c", ""));
	expect_planned(text);
	expect_committed();
	for (size_t i = 0; i < fleet.n_pools; i++) {
		ck_assert(fleet.pools[i]->state == POOL_DRAINING || fleet.pools[i]->state == POOL_DRAINED);
		ck_assert(fleet.pools[i]->listeners[0].refusing);
	}
	ck_assert(!made_up_connects("c"));
	fleet.drained = false;
	ck_assert_uint_eq(retiring_undrain(&fleet, true, NULL, NULL), 0);
	ck_assert(made_up_connects("c"));
}
END_TEST

START_TEST(a_reload_forgets_what_was_resized)
{
	struct member *member = member_find(fleet.members, "a");
	struct pool *a = fleet.pools[0];
	int64_t max = a->limits.max;

	member->resized.is_set = true;
	a->limits.max = 3;
	expect_planned(made_up_services("a b"));
	ck_assert(!plan_is_empty(&plan, &fleet));
	ck_assert_str_eq(plan.items[0].keys, "workers as configured again");
	expect_described("1 service changed, 0 added, 0 removed");
	expect_committed();
	ck_assert_ptr_eq(fleet.pools[0], a);
	ck_assert_int_eq(a->limits.max, max);
	ck_assert(!member->resized.is_set);
}
END_TEST

START_TEST(one_pool_is_replaced_in_the_same_generation)
{
	struct pool *a = fleet.pools[0], *b = fleet.pools[1];
	struct config_workers limits = a->limits;
	struct member *member = member_find(fleet.members, "a");

	limits.max = 5000;
	member->resized.is_set = true;
	ck_assert_int_eq(plan_replace(&plan, &fleet, a, &limits, "resize", &err), 0);
	ck_assert_ptr_null(plan.items[1].fresh);
	expect_described("1 service changed, 0 added, 0 removed");
	expect_committed();
	ck_assert_ptr_ne(fleet.pools[0], a);
	ck_assert_int_eq(fleet.pools[0]->limits.max, 5000);
	ck_assert_ptr_eq(fleet.pools[1], b);
	ck_assert_ptr_eq(fleet.pools[0]->generation, b->generation);
	ck_assert_uint_eq(fleet.generation->number, 1);
	ck_assert(member->resized.is_set); /* only a new configuration takes it back */
}
END_TEST

START_TEST(a_restart_keeps_the_limits)
{
	struct pool *a = fleet.pools[0];

	a->limits.max = 7;
	ck_assert_int_eq(plan_replace(&plan, &fleet, a, NULL, "restart", &err), 0);
	ck_assert_str_eq(plan.items[0].keys, "restarted");
	expect_committed();
	ck_assert_ptr_ne(fleet.pools[0], a);
	ck_assert_int_eq(fleet.pools[0]->limits.max, 7);
}
END_TEST

/* A second change while the pool of the first still retires: its listener was taken, so only the newest lends. */
START_TEST(a_replaced_pool_is_replaced_again)
{
	int fd = fleet.pools[0]->listeners[0].fd;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(plan_replace(&plan, &fleet, fleet.pools[0], NULL, "restart", &err), 0);
		expect_committed();
		plan_clear(&plan);
	}
	ck_assert_uint_eq(count_retiring(), 3);
	ck_assert_int_eq(fleet.pools[0]->listeners[0].fd, fd);
	ck_assert(made_up_connects("a"));
}
END_TEST

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 2);
}

int main(void)
{
	return SUITE_RUN("plan", set_up, the_same_configuration_is_no_plan, a_service_is_kept,
			 a_service_changes_while_it_lives, a_board_without_room_is_replaced, a_service_is_replaced,
			 a_service_is_added, a_service_is_removed, an_address_moves_to_another_service,
			 a_dropped_plan_leaves_all_as_it_was, workers_of_a_dropped_plan_leave,
			 an_address_in_use_is_an_error, a_fresh_pool_of_a_paused_service_is_paused,
			 a_fresh_pool_of_a_drained_fleet_is_drained, a_reload_forgets_what_was_resized,
			 one_pool_is_replaced_in_the_same_generation, a_restart_keeps_the_limits,
			 a_replaced_pool_is_replaced_again);
}
