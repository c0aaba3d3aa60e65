/* SPDX-License-Identifier: MIT */
/* The programs of a plan with two services, played by the test, which turns the clock. */
#include "change/rolls.h"

#include <check.h>
#include <string.h>

#include "change/canary.h"
#include "change/operation.h"
#include "change/plan.h"
#include "pool/copies.h"
#include "worker/contract.h"

#include "../made_up_fleet.h"

enum { N = 2 };

static struct fleet fleet;
static struct operations ops;
static struct plan plan;
static json_t *reasons;
static int64_t due;

/* Both services run COPIES programs, and are replaced. */
static void set_up(void)
{
	struct generation *next;
	char services[1024], changed[1024];
	struct err err;

	(void)snprintf(services, sizeof(services), "%s\n%s", made_up_service("a", "workers: { min = 2; };"),
		       made_up_service("b", "workers: { min = 2; };"));
	(void)snprintf(changed, sizeof(changed), "%s\n%s",
		       made_up_service("a", "workers: { min = 2; }; timeouts: { idle = \"5s\"; prove = \"1s\"; };"),
		       made_up_service("b", "workers: { min = 2; }; timeouts: { idle = \"5s\"; prove = \"3s\"; };"));
	made_up_fleet(&fleet, services, 2);
	ops = (struct operations){.fleet = &fleet};
	reasons = json_array();
	next = made_up_generation(changed, 2);
	ck_assert_msg(plan_reload(&plan, &fleet, next, &err) == 0, "%s", err.text);
	generation_unref(&next);
	for (size_t i = 0; i < N; i++) { /* the fakes of the configuration have no programs */
		((struct config_service *)(uintptr_t)plan.items[i].fresh->service)->program.runs = true;
		((struct config_service *)(uintptr_t)plan.items[i].old->service)->program.runs = true;
	}
}

static void start(void)
{
	struct err err;

	ck_assert_msg(canary_start(&plan, &ops, &err) == 0, "%s", err.text);
}

static void get_ready(size_t item)
{
	struct proc *proc;

	DL_FOREACH (plan.items[item].fresh->procs, proc)
		atomic_store(&proc_slot(proc)->state, SLOT_IDLE);
}

static enum rolls_verdict step(int64_t ms)
{
	made_up_now += ms;
	return rolls_step(&plan, &fleet, made_up_now, &due, reasons);
}

static void lose(size_t item)
{
	struct pool *fresh = plan.items[item].fresh;

	made_up_leave(fresh->procs->prev);
	fresh->n_lost++; /* what pool_worker_gone() does for a real program */
}

static bool is_untouched(size_t item)
{
	const struct pool *old = plan.items[item].old;

	return copies_count(old, 0).present == 2 && !old->is_rolling;
}

static void prove_first(void)
{
	start();
	for (size_t i = 0; i < N; i++)
		get_ready(i);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	ck_assert_int_eq(step(2999), ROLLS_WAIT); /* the longer watch of b */
	ck_assert_int_eq(step(1), ROLLS_PROVEN);
}

START_TEST(all_are_proven_before_any_gives_way)
{
	prove_first();
	ck_assert_uint_eq(made_up_n_kills, 0);
	rolls_go(&plan, made_up_now);
	ck_assert_uint_eq(made_up_n_kills, 2);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	for (size_t i = 0; i < N; i++)
		get_ready(i);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	ck_assert_int_eq(step(3000), ROLLS_DONE);
	ck_assert_uint_eq(made_up_n_kills, 4);
	ck_assert_uint_eq(json_array_size(reasons), 0);
}
END_TEST

START_TEST(a_failure_before_changes_nothing)
{
	prove_first();
	lose(1);
	ck_assert_int_eq(step(0), ROLLS_FAILED);
	ck_assert(!rolls_back(&plan, made_up_now));
	ck_assert(is_untouched(0) && is_untouched(1));
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

/* The service a is done when the second copy of b fails twice. */
START_TEST(if_one_fails_all_go_back)
{
	char text[192];

	prove_first();
	rolls_go(&plan, made_up_now);
	get_ready(0);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	ck_assert_int_eq(step(1000), ROLLS_WAIT);
	rolls_describe(&plan, text, sizeof(text));
	ck_assert_str_eq(text, "b: 1 of 2 copies replaced; watching 0");
	lose(1);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	lose(1);
	ck_assert_int_eq(step(0), ROLLS_FAILED);
	ck_assert(rolls_back(&plan, made_up_now));
	for (int i = 0; i < 4; i++) {
		struct proc *proc;

		if (rolls_step_back(&plan, &fleet, made_up_now, &due) == ROLLS_DONE)
			break;
		for (size_t k = 0; k < N; k++)
			DL_FOREACH (plan.items[k].old->procs, proc)
				proc->ready = true;
	}
	ck_assert(is_untouched(0) && is_untouched(1));
	ck_assert_int_eq(copies_count(plan.items[0].fresh, 0).present, 0);
}
END_TEST

START_TEST(new_ones_that_serve_on_are_counted)
{
	char text[192];

	prove_first();
	rolls_go(&plan, made_up_now);
	ck_assert(rolls_back(&plan, made_up_now));
	rolls_let_go(&plan, text, sizeof(text));
	ck_assert_str_eq(text, "1 of 2 copies of a before are not there again, 1 new ones serve on");
	ck_assert(plan.items[0].fresh->yields && plan.items[1].fresh->yields);
	plan_drop(&plan, &fleet);
	ck_assert_int_eq(fleet.retiring->state, POOL_SUPERSEDED);
}
END_TEST

START_TEST(no_program_of_a_paused_service_is_started)
{
	plan.items[0].member->paused = true;
	start();
	ck_assert_uint_eq(plan.items[0].fresh->n_procs, 0);
	ck_assert_uint_eq(plan.items[1].fresh->n_procs, 1);
}
END_TEST

START_TEST(no_program_of_a_drained_fleet_is_started)
{
	fleet.drained = true;
	start();
	ck_assert_uint_eq(plan.items[0].fresh->n_procs + plan.items[1].fresh->n_procs, 0);
	ck_assert_int_eq(step(0), ROLLS_DONE);
}
END_TEST

START_TEST(a_pause_meanwhile_needs_no_proof)
{
	json_t *warnings = json_array();

	start();
	plan.items[0].member->paused = true;
	get_ready(1);
	ck_assert_int_eq(step(0), ROLLS_WAIT);
	ck_assert(plan.items[0].fresh->procs->leaving);
	ck_assert_int_eq(step(3000), ROLLS_PROVEN);
	rolls_warn(&plan, warnings);
	ck_assert_uint_eq(json_array_size(warnings), 1);
	json_decref(warnings);
}
END_TEST

/* Nothing of the services before it is left as it was changed for the roll. */
START_TEST(a_service_that_cannot_begin)
{
	struct listener *listener = &plan.items[1].fresh->listeners[0];
	struct err err;

	listener->lender = NULL;
	listener->listening = false;
	listener->fd = -1; /* which cannot listen */
	ck_assert_int_eq(canary_start(&plan, &ops, &err), -1);
	ck_assert(is_untouched(0) && is_untouched(1));
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

/* Its new programs leave, and those of before are not waited for. */
START_TEST(a_pause_on_the_way_back)
{
	prove_first();
	rolls_go(&plan, made_up_now);
	ck_assert(rolls_back(&plan, made_up_now));
	for (size_t i = 0; i < N; i++) {
		plan.items[i].member->paused = plan.items[i].old->paused = true;
		pool_retire(plan.items[i].old, -1);
	}
	ck_assert_int_eq(rolls_step_back(&plan, &fleet, made_up_now, &due), ROLLS_DONE);
	for (size_t i = 0; i < N; i++) {
		ck_assert_int_eq(copies_count(plan.items[i].fresh, 0).present, 0);
		ck_assert(!plan.items[i].old->is_rolling);
	}
}
END_TEST

/* A service that is as it was stays so when the order is given up while another one still goes back. */
START_TEST(a_cancel_on_the_way_back)
{
	struct proc *proc;
	char text[192];

	prove_first();
	rolls_go(&plan, made_up_now);
	ck_assert(rolls_back(&plan, made_up_now));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rolls_step_back(&plan, &fleet, made_up_now, &due), ROLLS_WAIT);
		DL_FOREACH (plan.items[0].old->procs, proc)
			proc->ready = true;
	}
	ck_assert_int_eq(plan.items[0].rolling.state, ROLLING_RESTORED);
	ck_assert(rolls_back(&plan, made_up_now));
	rolls_let_go(&plan, text, sizeof(text));
	ck_assert_str_eq(text, "1 of 2 copies of b before are not there again, 1 new ones serve on");
	ck_assert(!plan.items[0].fresh->yields);
}
END_TEST

int main(void)
{
	return SUITE_RUN("rolls", set_up, all_are_proven_before_any_gives_way, a_failure_before_changes_nothing,
			 if_one_fails_all_go_back, new_ones_that_serve_on_are_counted,
			 no_program_of_a_paused_service_is_started, no_program_of_a_drained_fleet_is_started,
			 a_pause_meanwhile_needs_no_proof, a_service_that_cannot_begin, a_pause_on_the_way_back,
			 a_cancel_on_the_way_back);
}
