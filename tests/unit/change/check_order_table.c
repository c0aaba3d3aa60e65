/* SPDX-License-Identifier: MIT */
/* The answer for every pair of a running operation and an order, written down a second time. */
#include "change/order_table.h"

#include <check.h>

#include "../suite.h"

static void expect(enum order asked, const char *answers)
{
	static const char letters[] = {[ANSWER_MAY] = 'm',
				       [ANSWER_WAITS] = 'w',
				       [ANSWER_JOINS] = 'j',
				       [ANSWER_ENDS] = 'e',
				       [ANSWER_REFUSED] = 'n'};

	ck_assert_uint_eq(strlen(answers), RUNNINGS);
	for (int running = 0; running < RUNNINGS; running++)
		ck_assert_msg(letters[order_answer((enum order_running)running, asked)] == answers[running],
			      "asked %d while %d runs: %c, not %c", (int)asked, running,
			      letters[order_answer((enum order_running)running, asked)], answers[running]);
}

/* start, changer early, late, pause, drain, undrain, upgrade early, late, stop */
START_TEST(changers_come_one_after_the_other)
{
	expect(ORDER_RELOAD, "wwwmmmwwn");
	expect(ORDER_RESTART, "wwwmmwwwn");
	expect(ORDER_RESIZE, "wwwmmmwwn");
	expect(ORDER_UPGRADE, "wwwwmwjwn");
}
END_TEST

START_TEST(flags_never_lose_against_a_changer)
{
	expect(ORDER_PAUSE, "nmmjmmmwn");
	expect(ORDER_RESUME, "nmmemmmwn");
	expect(ORDER_DRAIN, "nmmmjemwn");
	expect(ORDER_UNDRAIN, "nmmmejmwn");
}
END_TEST

START_TEST(only_what_is_not_in_force_can_be_cancelled)
{
	expect(ORDER_CANCEL, "nennnnenn");
}
END_TEST

START_TEST(a_stop_ends_everything)
{
	expect(ORDER_STOP, "eeeeeeeej");
}
END_TEST

START_TEST(nobody_asks_for_a_start)
{
	expect(ORDER_START, "nnnnnnnnn");
}
END_TEST

int main(void)
{
	return SUITE_RUN("order_table", NULL, changers_come_one_after_the_other, flags_never_lose_against_a_changer,
			 only_what_is_not_in_force_can_be_cancelled, a_stop_ends_everything, nobody_asks_for_a_start);
}
