/* SPDX-License-Identifier: MIT */
/* Programs are replaced while they live and die by chance: there are never fewer than before, nor too many. */
#include "rolling_case.h"

/* Copies of before that are ready, and fresh ones that have outlived their watch. */
static int64_t capacity(size_t lane)
{
	int64_t n = copies_count(&old, lane).ready;
	const struct proc *proc;

	DL_FOREACH (fresh.procs, proc)
		n += proc->lane == lane && proc->outlived && proc->ready && !proc->leaving;
	return n;
}

static void live_a_moment(bool fresh_ones_die)
{
	struct proc *proc, *next;

	DL_FOREACH_SAFE (fresh.procs, proc, next) {
		if (proc->leaving && random() % 10 == 0)
			bury(&fresh, proc);
		else if (fresh_ones_die && !proc->leaving && !proc->outlived && random() % 400 == 0)
			die(&fresh, proc);
	}
	DL_FOREACH_SAFE (old.procs, proc, next)
		if (proc->leaving && random() % 10 == 0)
			bury(&old, proc);
	if (random() % 5 == 0) {
		get_ready(&fresh);
		get_ready(&old);
	}
}

START_TEST(never_less_than_before)
{
	srandom((unsigned)_i);
	ck_assert_int_eq(rolling_begin(&r, &fresh, &old, now), 0);
	for (int i = 0; i < 2000 && r.state != ROLLING_DONE && r.state != ROLLING_RESTORED; i++) {
		now += 50;
		live_a_moment(_i % 2 == 0);
		if (r.state == ROLLING_FAILED)
			rolling_back(&r, now);
		else if (rolling_step(&r, now) == ROLLING_PROVEN)
			rolling_go(&r, now);
		made_up_forget_kills();
		for (size_t lane = 0; lane < LANES; lane++) {
			ck_assert_int_ge(capacity(lane), COPIES);
			ck_assert_int_le(copies_count(&old, lane).present + copies_count(&fresh, lane).present,
					 COPIES + r.step);
		}
	}
	ck_assert(r.state == ROLLING_DONE || r.state == ROLLING_RESTORED);
	ck_assert_int_eq(staying(r.state == ROLLING_DONE ? &fresh : &old), LANES * COPIES);
	ck_assert_int_eq(staying(r.state == ROLLING_DONE ? &old : &fresh), r.has_given_way ? 0 : staying(&fresh));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rolling_chance");
	TCase *tcase = tcase_create("rolling_chance");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, never_less_than_before, 0, 40);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
