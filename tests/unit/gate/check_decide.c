/* SPDX-License-Identifier: MIT */
/* The decision of the gate as a function of facts. */
#include <string.h>

#include "config/config.h"
#include "gate/decide.h"
#include "gate/penalty.h"

#include "../peers.h"
#include "../suite.h"
#include "gate_case.h"

/* ---- the decision ---- */

static enum refusal reason(const struct gate_facts *facts)
{
	return decide_admission(&service, facts).reason;
}

/* Every reason to refuse applies to this client. */
static struct gate_facts worst(void)
{
	service.access.rule = rules;
	service.access.n_rules = 2;
	service.access.per_source = 2;
	service.access.per_source_rate = (struct rate){.n = 1, .per_ms = 1000};
	service.access.rate = (struct rate){.n = 1, .per_ms = 1000};
	service.access.reserve = 2;
	service.access.max_load = 850;
	return (struct gate_facts){
		.rule = 1,
		.now_ms = 1000,
		.same = 2,
		.all = 6,
		.workers_max = 8,
		.closed = true,
		.opens_ms = 7000,
		.load = 850,
		.source_wait_us = 1500,
		.service_wait_us = 2000,
		.penalty = {.until_ms = 4000},
	};
}

START_TEST(order)
{
	struct gate_facts facts = worst();
	struct gate_verdict verdict = decide_admission(&service, &facts);

	ck_assert_int_eq(verdict.reason, REFUSED_DENIED);
	ck_assert_ptr_eq(verdict.rule, &rules[1]);
	facts.rule = 0;
	verdict = decide_admission(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_TIME);
	ck_assert_int_eq(verdict.wait_ms, 7000);
	facts.closed = false;
	verdict = decide_admission(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_LOAD);
	ck_assert_int_eq(verdict.wait_ms, 0);
	facts.load = 849;
	verdict = decide_admission(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_PENALTY);
	ck_assert_int_eq(verdict.wait_ms, 3000);
	ck_assert_ptr_eq(verdict.rule, &rules[0]);
	facts.penalty.until_ms = 1000; /* ends at this moment */
	ck_assert_int_eq(reason(&facts), REFUSED_PER_SOURCE);
	facts.same = 1;
	verdict = decide_admission(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_PER_SOURCE_RATE);
	ck_assert_int_eq(verdict.wait_ms, 2);
	facts.source_wait_us = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED);
	facts.all = 5;
	verdict = decide_admission(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_RATE);
	ck_assert_int_eq(verdict.wait_ms, 2);
	facts.service_wait_us = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
}
END_TEST

START_TEST(only_allowed)
{
	struct gate_facts facts = {.rule = -1};

	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	service.access.only_allowed = true;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT_ALLOWED);
	service.access.rule = rules;
	service.access.n_rules = 2;
	facts.rule = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.rule = 2; /* there is no rule with this index */
	ck_assert_int_eq(reason(&facts), REFUSED_NOT_ALLOWED);
}
END_TEST

START_TEST(exempt)
{
	struct gate_facts facts = worst();

	facts.exempt = true;
	ck_assert_int_eq(reason(&facts), REFUSED_DENIED); /* exempt from limits, not from rules */
	facts.rule = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED); /* nor from the number of workers */
	facts.all = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
}
END_TEST

START_TEST(reserved)
{
	struct gate_facts facts = {.rule = -1, .workers_max = 8, .all = 5};

	service.access.reserve = 2;
	ck_assert_uint_eq(decide_most_all(&service, 8, false), 6);
	ck_assert_uint_eq(decide_most_all(&service, 8, true), 0);  /* the kernel's queue is the limit */
	ck_assert_uint_eq(decide_most_all(&service, 2, false), 1); /* never fewer than one */
	ck_assert_uint_eq(decide_most_all(&service, 1, false), 1);
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.all = 6;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED);
	facts.reserve_for = true;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.all = 8;
	facts.reserve_for = false;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
}
END_TEST

START_TEST(full)
{
	struct gate_facts facts = {.rule = -1, .workers_max = 8, .all = 8};

	ck_assert_int_eq(reason(&facts), REFUSED_NOT); /* it waits in the queue */
	service.workers.on_full = ON_FULL_REFUSE;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
	facts.exempt = facts.reserve_for = true;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
	facts.all = 7;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	service.access.reserve = 2;
	ck_assert_uint_eq(decide_most_all(&service, 8, true), 8);
	ck_assert_uint_eq(decide_most_all(&service, 8, false), 6);
}
END_TEST

START_TEST(faults)
{
	/* whatever is added is thought about: a client is not to be punished for what others do */
	static const enum refusal theirs[] = {
		REFUSED_DENIED,		 REFUSED_NOT_ALLOWED,	  REFUSED_PER_SOURCE,
		REFUSED_PER_SOURCE_RATE, REFUSED_PROXY_UNTRUSTED,
	};
	size_t n = 0;

	for (int i = 0; i < REFUSALS; i++)
		n += penalty_is_fault((enum refusal)i);
	ck_assert_uint_eq(n, sizeof(theirs) / sizeof(theirs[0]));
	for (size_t i = 0; i < n; i++)
		ck_assert(penalty_is_fault(theirs[i]));
}
END_TEST

int main(void)
{
	return SUITE_RUN("decide", setup, order, only_allowed, exempt, reserved, full, faults);
}
