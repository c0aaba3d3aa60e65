/* SPDX-License-Identifier: MIT */
/* The drawing of latencies: every one is in it, and stands in the right line. */
#include <stdio.h>
#include <string.h>

#include "../../../client/histogram.h"
#include "../../../client/report.h"

#include "../suite.h"

static struct histogram h;
static char text[8192];

static const char *drawn(void)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(out);
	report_histogram(&h, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void setup(void)
{
	histogram_init(&h);
	memset(text, 0, sizeof(text));
}

START_TEST(nothing_draws_nothing)
{
	ck_assert_str_eq(drawn(), "");
}
END_TEST

START_TEST(every_value_is_in_its_line)
{
	for (int i = 0; i < 300; i++)
		histogram_add(&h, 150000); /* up to 0.2 ms */
	for (int i = 0; i < 99; i++)
		histogram_add(&h, 700000); /* up to 1 ms */
	histogram_add(&h, 40000000);	   /* up to 50 ms */
	ck_assert_str_eq(drawn(), "up to ms     exchanges\n"
				  "         0.2       300  75.00% "
				  "##################################################\n"
				  "         0.5         0   0.00% \n"
				  "           1        99  24.75% #################\n"
				  "           2         0   0.00% \n"
				  "           5         0   0.00% \n"
				  "          10         0   0.00% \n"
				  "          20         0   0.00% \n"
				  "          50         1   0.25% #\n");
}
END_TEST

START_TEST(the_ends_of_the_range)
{
	histogram_add(&h, 0);
	histogram_add(&h, UINT64_C(3600000000000));
	(void)drawn();
	ck_assert_ptr_nonnull(strstr(text, "\n       0.001         1  50.00% #"));
	ck_assert_ptr_nonnull(strstr(text, "\n       5e+06         1  50.00% #"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("report", setup, nothing_draws_nothing, every_value_is_in_its_line, the_ends_of_the_range);
}
