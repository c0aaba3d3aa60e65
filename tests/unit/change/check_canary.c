/* SPDX-License-Identifier: MIT */
/* Canaries of a plan, played by the test: it holds the worker's end of the proof, and turns the clock. */
#include "change/canary.h"

#include <check.h>
#include <string.h>

#include "change/operation.h"
#include "change/plan.h"
#include "fleet/retiring.h"
#include "pool/pool_count.h"
#include "worker/contract.h"
#include "worker/proof.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct operations ops;
static struct plan plan;
static struct err err;

/* A reload to SERVICES of a fleet of FORMER. */
static void plan_change(const char *former, const char *services)
{
	struct generation *next;

	made_up_fleet(&fleet, former, 3);
	ops = (struct operations){.fleet = &fleet};
	next = made_up_generation(services, 2);
	ck_assert_msg(plan_reload(&plan, &fleet, next, &err) == 0, "%s", err.text);
	generation_unref(&next);
}

/* The service "a" of workers is replaced, and its canary runs. */
static void start_workers(void)
{
	plan_change(made_up_service("a", ""), made_up_service("a", "timeouts: { idle = \"5s\"; start = \"4s\"; };"));
	ck_assert_int_eq(canary_start(&plan, &ops, &err), 0);
	ck_assert_int_eq(plan.items[0].fresh->n_procs, 1);
	ck_assert_int_ge(made_up_proof_fd, 0);
}

static void say(const char *message)
{
	ck_assert_int_eq(send(made_up_proof_fd, message, strlen(message), MSG_NOSIGNAL), (ssize_t)strlen(message));
}

static enum canary_verdict judge(void)
{
	err.text[0] = '\0';
	return canary_judge(&plan, &err);
}

static void expect_failure(const char *why)
{
	ck_assert_int_eq(judge(), CANARY_FAILED);
	ck_assert_str_eq(err.text, why);
}

/* The byte that the worker hears from the master; "": nothing. */
static char heard(void)
{
	char byte;

	return recv(made_up_proof_fd, &byte, 1, MSG_DONTWAIT) == 1 ? byte : '\0';
}

/* ---- workers ---- */

START_TEST(a_worker_proves_itself)
{
	start_workers();
	ck_assert_int_eq(judge(), CANARY_WAIT);
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	ck_assert_int_eq(judge(), CANARY_PROVEN); /* it has said it once and for all */
	made_up_now += 3600000;
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	ck_assert_int_eq(heard(), '\0'); /* the plan is not in force */
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

START_TEST(a_worker_says_why_it_fails)
{
	start_workers();
	say("-no such user\n");
	expect_failure("services.a: a worker could not start: no such user\\x0a");
}
END_TEST

START_TEST(a_worker_that_closes_its_end_has_died)
{
	start_workers();
	fd_close(&made_up_proof_fd);
	expect_failure("services.a: a worker died before it could serve");
}
END_TEST

START_TEST(a_worker_says_why_before_it_dies)
{
	start_workers();
	say("-no such user");
	made_up_leave(plan.items[0].fresh->procs);
	expect_failure("services.a: a worker could not start: no such user");
}
END_TEST

START_TEST(a_worker_that_is_reaped_has_died)
{
	start_workers();
	made_up_leave(plan.items[0].fresh->procs);
	expect_failure("services.a: a worker died before it could serve");
}
END_TEST

START_TEST(a_worker_that_dies_after_its_proof_has_died)
{
	start_workers();
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	made_up_leave(plan.items[0].fresh->procs);
	expect_failure("services.a: a worker died before it could serve");
}
END_TEST

START_TEST(a_late_worker_is_killed)
{
	pid_t pid;

	start_workers();
	pid = plan.items[0].fresh->procs->pid;
	made_up_now += 3999;
	ck_assert_int_eq(judge(), CANARY_WAIT);
	made_up_now++;
	expect_failure("services.a: a worker was not ready in time (timeouts.start)");
	ck_assert_uint_eq(made_up_killed(pid, SIGKILL), 1);
}
END_TEST

START_TEST(without_a_limit_there_is_one_minute)
{
	plan_change(made_up_service("a", ""), made_up_service("a", "timeouts: { idle = \"5s\"; start = \"0\"; };"));
	ck_assert_int_eq(canary_start(&plan, &ops, &err), 0);
	made_up_now += 59999;
	ck_assert_int_eq(judge(), CANARY_WAIT);
	made_up_now++;
	expect_failure("services.a: a worker was not ready in time (timeouts.start)");
}
END_TEST

START_TEST(a_worker_that_cannot_be_started_fails_at_once)
{
	plan_change(made_up_service("a", ""), made_up_service("a", "timeouts: { idle = \"5s\"; };"));
	made_up_no_workers = true;
	ck_assert_int_eq(canary_start(&plan, &ops, &err), -1);
	ck_assert_str_eq(err.text, "services.a: no worker could be started");
}
END_TEST

START_TEST(each_new_pool_has_its_canary_and_all_count)
{
	int first;
	char text[1024];

	(void)snprintf(text, sizeof(text), "%s\n%s\n%s", made_up_service("a", "timeouts: { idle = \"5s\"; };"),
		       made_up_service("b", ""), made_up_service("c", ""));
	plan_change(made_up_services("a b"), text);
	made_up_proof_fd = -1;
	ck_assert_int_eq(canary_start(&plan, &ops, &err), 0);
	ck_assert_int_ne(plan.items[0].canary, 0);
	ck_assert_int_eq(plan.items[1].canary, 0); /* it is kept */
	ck_assert_int_ne(plan.items[2].canary, 0);
	first = made_up_proof_fd; /* of c */
	ck_assert_int_eq(send(first, "+", 1, 0), 1);
	ck_assert_int_eq(judge(), CANARY_WAIT);
	ck_assert(plan.items[2].proven && !plan.items[0].proven);
	made_up_leave(plan.items[0].fresh->procs);
	expect_failure("services.a: a worker died before it could serve");
}
END_TEST

START_TEST(a_worker_that_dies_while_others_are_watched_is_started_anew_once)
{
	pid_t first;

	start_workers();
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	first = plan.items[0].canary;
	ck_assert_int_eq(canary_revive(&plan, &ops, &err), 0);
	ck_assert_int_eq(plan.items[0].canary, first); /* it lives */
	made_up_leave(plan.items[0].fresh->procs);
	ck_assert_int_eq(canary_revive(&plan, &ops, &err), 0);
	ck_assert_int_ne(plan.items[0].canary, first);
	ck_assert_int_eq(judge(), CANARY_WAIT);
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	made_up_leave(plan.items[0].fresh->procs);
	ck_assert_int_eq(canary_revive(&plan, &ops, &err), 0);
	expect_failure("services.a: a worker died before it could serve");
}
END_TEST

/* A worker is held back in any case, so it can prove itself. */
START_TEST(a_worker_of_a_paused_service_is_started)
{
	plan_change(made_up_service("a", ""), made_up_service("a", "timeouts: { idle = \"5s\"; };"));
	plan.items[0].member->paused = true;
	ck_assert_int_eq(canary_start(&plan, &ops, &err), 0);
	ck_assert_int_eq(plan.items[0].fresh->n_procs, 1);
	ck_assert_int_eq(judge(), CANARY_WAIT);
}
END_TEST

/* ---- the go ---- */

START_TEST(the_canary_is_released_and_the_rest_started)
{
	start_workers();
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	plan_commit(&plan, &fleet);
	canary_release(&plan);
	ck_assert_int_eq(heard(), PROOF_GO);
	ck_assert_uint_ge(fleet.pools[0]->n_procs, 3); /* as many as the old pool has */
}
END_TEST

START_TEST(as_many_start_as_served_before)
{
	made_up_no_workers = false;
	start_workers();
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	for (int i = 0; i < 17; i++)
		(void)made_up_worker(plan.items[0].old, 0, SLOT_BUSY);
	plan.items[0].old->procs->leaving = true; /* it is not replaced */
	plan_commit(&plan, &fleet);
	canary_release(&plan);
	ck_assert_uint_eq(fleet.pools[0]->n_procs, 19);
}
END_TEST

START_TEST(not_more_start_than_may)
{
	plan_change(made_up_service("a", ""),
		    made_up_service("a", "timeouts: { idle = \"5s\"; }; workers: { max = 10; };"));
	ck_assert_int_eq(canary_start(&plan, &ops, &err), 0);
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	for (int i = 0; i < 17; i++)
		(void)made_up_worker(plan.items[0].old, 0, SLOT_BUSY);
	plan_commit(&plan, &fleet);
	canary_release(&plan);
	ck_assert_uint_eq(fleet.pools[0]->n_procs, 10);
}
END_TEST

START_TEST(the_canary_of_a_paused_service_leaves)
{
	pid_t pid;

	start_workers();
	pid = plan.items[0].fresh->procs->pid;
	say("+");
	ck_assert_int_eq(judge(), CANARY_PROVEN);
	plan.items[0].member->paused = true;
	plan_commit(&plan, &fleet);
	canary_release(&plan);
	ck_assert_int_eq(heard(), '\0');
	ck_assert_uint_eq(made_up_killed(pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(fleet.pools[0]->n_procs, 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("canary", NULL, a_worker_proves_itself, a_worker_says_why_it_fails,
			 a_worker_that_closes_its_end_has_died, a_worker_says_why_before_it_dies,
			 a_worker_that_is_reaped_has_died, a_worker_that_dies_after_its_proof_has_died,
			 a_late_worker_is_killed, without_a_limit_there_is_one_minute,
			 a_worker_that_cannot_be_started_fails_at_once, each_new_pool_has_its_canary_and_all_count,
			 a_worker_that_dies_while_others_are_watched_is_started_anew_once,
			 a_worker_of_a_paused_service_is_started, the_canary_is_released_and_the_rest_started,
			 as_many_start_as_served_before, not_more_start_than_may,
			 the_canary_of_a_paused_service_leaves);
}
