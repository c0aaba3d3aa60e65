/* SPDX-License-Identifier: MIT */
/* Operations of made-up kinds, on a made-up fleet: when each begins, and which verdict each gets. */
#include "change/operation.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#include "../suite.h"

static char story[1024]; /* what has happened, in order */
static struct fleet fleet;
static struct operations ops;
static struct member *alpha, *beta;
static struct err err;
static bool committed, go; /* the changer is in force; all that run may end */

static void tell(const char *what, const struct operation *op)
{
	size_t len = strlen(story);

	(void)snprintf(story + len, sizeof(story) - len, "%s%s %s", len > 0 ? ", " : "", what, op->kind->name);
}

static void begin_fake(struct operation *op)
{
	tell("begin", op);
}

static int64_t step_fake(struct operation *op, int64_t now)
{
	(void)now;
	if (!go)
		return 0;
	tell("done", op);
	operation_finish(op, true, "done", NULL);
	return 0;
}

static void end_fake(struct operation *op, const char *why)
{
	tell("end", op);
	operation_finish(op, committed, why, NULL);
}

static bool is_committed(const struct operation *op)
{
	(void)op;
	return committed;
}

#define KIND(variable, which, what)                                                                                    \
	static const struct operation_kind variable = {                                                                \
		.order = which,                                                                                        \
		.name = what,                                                                                          \
		.doing = what,                                                                                         \
		.size = sizeof(struct operation),                                                                      \
		.begin = begin_fake,                                                                                   \
		.step = step_fake,                                                                                     \
		.end = end_fake,                                                                                       \
		.is_committed = is_committed,                                                                          \
	}

KIND(reload_fake, ORDER_RELOAD, "reload");
KIND(restart_fake, ORDER_RESTART, "restart");
KIND(upgrade_fake, ORDER_UPGRADE, "upgrade");
KIND(pause_fake, ORDER_PAUSE, "pause");
KIND(resume_fake, ORDER_RESUME, "resume");
KIND(drain_fake, ORDER_DRAIN, "drain");
KIND(undrain_fake, ORDER_UNDRAIN, "undrain");
KIND(cancel_fake, ORDER_CANCEL, "cancel");
KIND(start_fake, ORDER_START, "start");
KIND(stop_fake, ORDER_STOP, "stop");

static void setup(void)
{
	log_set_level(LOG_EMERG);
	story[0] = '\0';
	committed = go = false;
	fleet = (struct fleet){.dead = -1};
	ops = (struct operations){.fleet = &fleet};
	ck_assert_int_ge(sd_event_new(&fleet.event), 0);
	alpha = member_get(&fleet.members, "alpha");
	beta = member_get(&fleet.members, "beta");
}

static unsigned ask(const struct operation_kind *kind, struct member *member)
{
	err.text[0] = '\0';
	return operation_ask(&ops, kind, member, 0, 0, &err);
}

static void expect_verdict(unsigned job, bool success, const char *text)
{
	const struct job *found = jobs_find(&ops.jobs, job);

	ck_assert_ptr_nonnull(found);
	ck_assert(found->done);
	ck_assert_int_eq(found->success, success);
	ck_assert_str_eq(found->text, text);
}

static void sweep_all(void)
{
	go = true;
	operations_mark(&ops);
	operations_sweep(&ops);
}

START_TEST(one_runs_and_has_its_verdict)
{
	unsigned job = ask(&reload_fake, NULL);

	ck_assert_uint_eq(job, 1);
	operations_sweep(&ops);
	ck_assert(!jobs_find(&ops.jobs, job)->done);
	ck_assert_uint_eq(ops.n_begun, 0); /* no changer */
	sweep_all();
	expect_verdict(job, true, "done");
	ck_assert_str_eq(story, "begin reload, done reload");
	ck_assert_ptr_null(ops.running);
}
END_TEST

START_TEST(the_next_waits_and_the_third_joins_it)
{
	unsigned first = ask(&reload_fake, NULL), second = ask(&reload_fake, NULL), third = ask(&reload_fake, NULL);

	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(second, third);
	ck_assert_str_eq(jobs_find(&ops.jobs, second)->text, "waiting for the reload before");
	sweep_all();
	ck_assert_str_eq(story, "begin reload, done reload, begin reload, done reload");
	expect_verdict(second, true, "done");
}
END_TEST

START_TEST(the_last_of_opposite_orders_counts)
{
	unsigned pauses[2], drains[2];

	committed = true;
	(void)ask(&upgrade_fake, NULL);
	drains[0] = ask(&drain_fake, NULL);
	pauses[0] = ask(&pause_fake, alpha);
	(void)ask(&undrain_fake, NULL);
	(void)ask(&resume_fake, alpha);
	drains[1] = ask(&drain_fake, NULL);
	pauses[1] = ask(&pause_fake, alpha);
	ck_assert_uint_ne(drains[0], drains[1]);
	ck_assert_uint_ne(pauses[0], pauses[1]);
	ck_assert_uint_eq(ask(&drain_fake, NULL), drains[1]);
	ck_assert_uint_eq(ask(&pause_fake, alpha), pauses[1]);
	sweep_all();
	expect_verdict(drains[1], true, "done");
	expect_verdict(pauses[1], true, "done");
	ck_assert_ptr_null(ops.waiting);
}
END_TEST

static void report_sweep(void *userdata)
{
	(void)userdata;
	(void)strcat(story, "s");
}

static int on_something(sd_event_source *source, void *userdata)
{
	(void)source;
	(void)strcat(story, userdata);
	return 0;
}

START_TEST(the_sweep_comes_before_the_next_event)
{
	static char a[] = "a", b[] = "b";

	ops.on_swept = report_sweep;
	ck_assert_int_eq(operations_watch(&ops, &err), 0);
	ck_assert_int_ge(sd_event_add_defer(fleet.event, NULL, on_something, a), 0);
	ck_assert_int_ge(sd_event_add_defer(fleet.event, NULL, on_something, b), 0);
	for (int i = 0; i < 4; i++)
		(void)sd_event_run(fleet.event, 0);
	ck_assert(strcmp(story, "asbs") == 0 || strcmp(story, "bsas") == 0);
}
END_TEST

START_TEST(those_that_wait_begin_in_the_order_of_asking)
{
	(void)ask(&reload_fake, NULL);
	(void)ask(&restart_fake, alpha);
	(void)ask(&upgrade_fake, NULL);
	(void)ask(&restart_fake, beta);
	sweep_all();
	ck_assert_str_eq(story, "begin reload, done reload, begin restart, done restart, begin upgrade, done upgrade, "
				"begin restart, done restart");
}
END_TEST

START_TEST(a_restart_of_another_service_is_another_order)
{
	(void)ask(&reload_fake, NULL);
	ck_assert_uint_ne(ask(&restart_fake, alpha), ask(&restart_fake, beta));
	ck_assert_uint_eq(ask(&restart_fake, alpha), 2);
	sweep_all();
}
END_TEST

START_TEST(a_pause_runs_beside_a_reload)
{
	(void)ask(&reload_fake, NULL);
	ck_assert_uint_ne(ask(&pause_fake, alpha), 0);
	ck_assert_str_eq(story, "begin reload, begin pause");
	sweep_all();
}
END_TEST

START_TEST(each_service_has_a_pause_of_its_own)
{
	unsigned one = ask(&pause_fake, alpha), two = ask(&pause_fake, beta);

	ck_assert_uint_ne(one, two);
	ck_assert_uint_eq(ask(&pause_fake, alpha), one);
	(void)ask(&resume_fake, alpha);
	operations_sweep(&ops);
	expect_verdict(one, false, "resumed meanwhile");
	ck_assert(!jobs_find(&ops.jobs, two)->done);
	sweep_all();
}
END_TEST

START_TEST(drain_and_undrain_end_each_other)
{
	unsigned job = ask(&drain_fake, NULL), back = ask(&undrain_fake, NULL), again;

	operations_sweep(&ops);
	expect_verdict(job, false, "undrained meanwhile");
	again = ask(&drain_fake, NULL);
	operations_sweep(&ops);
	expect_verdict(back, false, "drained meanwhile");
	sweep_all();
	expect_verdict(again, true, "done");
}
END_TEST

START_TEST(cancel_ends_what_is_not_in_force)
{
	unsigned job = ask(&reload_fake, NULL), later = ask(&restart_fake, alpha);

	ck_assert_uint_ne(ask(&cancel_fake, NULL), 0);
	operations_sweep(&ops);
	expect_verdict(job, false, "cancelled");
	ck_assert(!jobs_find(&ops.jobs, later)->done); /* its turn comes */
	sweep_all();
	expect_verdict(later, true, "done");
}
END_TEST

/* The refusal has other words if a changer runs. */
START_TEST(cancel_is_refused_with_the_reason)
{
	static struct operation_kind changer;

	ck_assert_uint_eq(ask(&cancel_fake, NULL), 0);
	ck_assert_str_eq(err.text, "there is nothing that could be cancelled");
	(void)ask(&drain_fake, NULL);
	ck_assert_uint_eq(ask(&cancel_fake, NULL), 0);
	ck_assert_str_eq(err.text, "there is nothing that could be cancelled");
	changer = reload_fake;
	changer.is_changer = true;
	(void)ask(&changer, NULL);
	committed = true;
	ck_assert_uint_eq(ask(&cancel_fake, NULL), 0);
	ck_assert_str_eq(err.text, "the new configuration is in force already");
	sweep_all();
}
END_TEST

START_TEST(a_stop_ends_all_and_takes_no_more)
{
	unsigned job = ask(&reload_fake, NULL), later = ask(&reload_fake, NULL), other = ask(&pause_fake, alpha);

	operations_end_all(&ops, NULL, "the daemon stops");
	ck_assert_ptr_nonnull(operation_run(&ops, &stop_fake, NULL, 0));
	operations_sweep(&ops);
	expect_verdict(job, false, "the daemon stops");
	expect_verdict(later, false, "the daemon stops");
	expect_verdict(other, false, "the daemon stops");
	ck_assert_uint_eq(ask(&reload_fake, NULL), 0);
	ck_assert_str_eq(err.text, "the daemon stops");
	ck_assert_uint_eq(ask(&cancel_fake, NULL), 0);
	ck_assert_str_eq(err.text, "the daemon stops");
}
END_TEST

START_TEST(during_the_start_changers_wait_and_flags_are_refused)
{
	unsigned job;

	ck_assert_ptr_nonnull(operation_run(&ops, &start_fake, NULL, 0));
	job = ask(&reload_fake, NULL);
	ck_assert_str_eq(jobs_find(&ops.jobs, job)->text, "waiting for the start before");
	ck_assert_uint_eq(ask(&pause_fake, alpha), 0);
	ck_assert_str_eq(err.text, "the daemon has not started yet");
	ck_assert_uint_eq(ask(&cancel_fake, NULL), 0);
	ck_assert_str_eq(err.text, "the daemon has not started yet");
	sweep_all();
	expect_verdict(job, true, "done");
}
END_TEST

START_TEST(a_start_that_fails_is_everybodys_verdict)
{
	unsigned job;

	ck_assert_ptr_nonnull(operation_run(&ops, &start_fake, NULL, 0));
	job = ask(&reload_fake, NULL);
	operations_end_all(&ops, NULL, "the start failed: alpha: why");
	operations_sweep(&ops);
	expect_verdict(job, false, "the start failed: alpha: why");
}
END_TEST

static int answered;

static void on_answer(void *userdata)
{
	(void)userdata;
	answered++;
}

static void on_report(void *userdata)
{
	(void)userdata;
	ck_assert_msg(answered == 0, "systemd hears of it before the caller does");
}

START_TEST(callers_are_answered_last_and_once)
{
	ops.on_swept = on_report;
	ops.on_answer = on_answer;
	(void)ask(&reload_fake, NULL);
	operations_sweep(&ops);
	ck_assert_int_eq(answered, 0);
	sweep_all();
	ck_assert_int_eq(answered, 1);
	ops.on_swept = NULL;
	operations_mark(&ops);
	operations_sweep(&ops);
	ck_assert_int_eq(answered, 1);
}
END_TEST

START_TEST(what_waits_keeps_its_service)
{
	(void)ask(&reload_fake, NULL);
	(void)ask(&restart_fake, alpha);
	member_remove(&fleet.members, alpha);
	ck_assert_str_eq(ops.waiting->member->name, "alpha");
	ck_assert_ptr_null(ops.waiting->member->now);
	sweep_all();
}
END_TEST

int main(void)
{
	return SUITE_RUN("operation", setup, one_runs_and_has_its_verdict, the_next_waits_and_the_third_joins_it,
			 the_last_of_opposite_orders_counts, the_sweep_comes_before_the_next_event,
			 those_that_wait_begin_in_the_order_of_asking, a_restart_of_another_service_is_another_order,
			 a_pause_runs_beside_a_reload, each_service_has_a_pause_of_its_own,
			 drain_and_undrain_end_each_other, cancel_ends_what_is_not_in_force,
			 cancel_is_refused_with_the_reason, a_stop_ends_all_and_takes_no_more,
			 during_the_start_changers_wait_and_flags_are_refused, a_start_that_fails_is_everybodys_verdict,
			 callers_are_answered_last_and_once, what_waits_keeps_its_service);
}
