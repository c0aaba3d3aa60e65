/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "change/jobs.h"

#include "../suite.h"

static struct jobs jobs;
static void setup(void)
{
	jobs = (struct jobs){.last = 0};
}

START_TEST(numbers_grow)
{
	ck_assert_uint_eq(jobs_new(&jobs), 1);
	ck_assert_uint_eq(jobs_new(&jobs), 2);
	ck_assert_ptr_null(jobs_find(&jobs, 0));
	ck_assert_ptr_null(jobs_find(&jobs, 3));
	ck_assert_uint_eq(jobs_find(&jobs, 2)->number, 2);
	ck_assert(!jobs_find(&jobs, 2)->done);
	jobs_clear(&jobs);
	ck_assert_ptr_null(jobs_find(&jobs, 2));
}
END_TEST

START_TEST(the_oldest_makes_way)
{
	for (unsigned i = 1; i <= JOBS_KEPT + 1; i++) {
		ck_assert_uint_eq(jobs_new(&jobs), i);
		jobs_done(&jobs, i, true, "done", json_pack("[s]", "a reason"));
	}
	ck_assert_ptr_null(jobs_find(&jobs, 1));
	for (unsigned i = 2; i <= JOBS_KEPT + 1; i++)
		ck_assert_ptr_nonnull(jobs_find(&jobs, i));
	jobs_clear(&jobs);
}
END_TEST

START_TEST(zero_is_no_number)
{
	jobs.last = UINT32_MAX - 1;
	ck_assert_uint_eq(jobs_new(&jobs), UINT32_MAX);
	ck_assert_uint_eq(jobs_new(&jobs), 1);
	ck_assert_ptr_null(jobs_find(&jobs, 0));
}
END_TEST

START_TEST(a_verdict_is_final)
{
	unsigned n = jobs_new(&jobs);
	const struct job *job;

	jobs_progress(&jobs, n, "under way");
	ck_assert_str_eq(jobs_find(&jobs, n)->text, "under way");
	ck_assert(!jobs.has_news);
	jobs_done(&jobs, n, false, "no", json_pack("[s]", "because"));
	ck_assert(jobs.has_news);
	jobs.has_news = false;
	jobs_progress(&jobs, n, "still under way");
	jobs_done(&jobs, n, true, "yes", json_pack("[s]", "freed, or a sanitizer says so"));
	ck_assert(!jobs.has_news);
	job = jobs_find(&jobs, n);
	ck_assert(job->done && !job->success);
	ck_assert_str_eq(job->text, "no");
	ck_assert_uint_eq(json_array_size(job->reasons), 1);
	jobs_clear(&jobs);
}
END_TEST

START_TEST(of_an_unknown_one_nothing_is_kept)
{
	jobs_progress(&jobs, 7, "x");
	jobs_done(&jobs, 7, true, "x", json_pack("[s]", "freed"));
	jobs_done(&jobs, 0, true, "x", NULL);
	ck_assert(!jobs.has_news);
}
END_TEST

/* The ring of those that are done overflows meanwhile. */
START_TEST(an_open_one_is_never_forgotten)
{
	unsigned n = jobs_new(&jobs);

	for (unsigned i = 0; i < 3 * JOBS_KEPT; i++)
		jobs_done(&jobs, jobs_new(&jobs), true, "done", NULL);
	ck_assert_ptr_nonnull(jobs_find(&jobs, n));
	jobs_done(&jobs, n, false, "the verdict", NULL);
	ck_assert_str_eq(jobs_find(&jobs, n)->text, "the verdict");
	jobs_clear(&jobs);
}
END_TEST

START_TEST(those_of_another_image_come_back)
{
	struct job open = {.number = 7, .text = "under way"};
	struct job done = {.number = 5, .done = true, .text = "over", .reasons = json_pack("[s]", "because")};

	ck_assert_int_eq(jobs_restore(&jobs, &open), 0);
	ck_assert_int_eq(jobs_restore(&jobs, &done), 0);
	ck_assert_int_eq(jobs_restore(&jobs, &done), 0); /* it is there already */
	json_decref(done.reasons);
	ck_assert(!jobs_find(&jobs, 7)->done && jobs_find(&jobs, 5)->done);
	ck_assert_uint_eq(json_array_size(jobs_find(&jobs, 5)->reasons), 1);
	jobs_done(&jobs, 7, true, "yes", NULL);
	ck_assert(jobs_find(&jobs, 7)->success);
	jobs_clear(&jobs);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	unsigned n = jobs_new(&jobs);
	char text[2 * sizeof(jobs.done[0].text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	jobs_progress(&jobs, n, text);
	jobs_done(&jobs, n, true, text, NULL);
	ck_assert_uint_eq(strlen(jobs_find(&jobs, n)->text), sizeof(jobs.done[0].text) - 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("jobs", setup, numbers_grow, the_oldest_makes_way, zero_is_no_number, a_verdict_is_final,
			 of_an_unknown_one_nothing_is_kept, an_open_one_is_never_forgotten,
			 those_of_another_image_come_back, a_long_text_is_cut);
}
