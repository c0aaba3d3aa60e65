/* SPDX-License-Identifier: MIT */
/* What every unit test's main() does: one suite, one case, the exit status. */
#ifndef PREFORKD_TESTS_SUITE_H
#define PREFORKD_TESTS_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

#define SUITE_SECONDS 20 /* a test that takes longer has failed */

/* Runs SUITE, and gives what main() returns. */
static inline int suite_finish(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs TESTS, each in a process of its own, after SETUP (may be NULL). */
static inline int suite_run(const char *name, void (*setup)(void), const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	if (setup != NULL)
		tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	for (size_t i = 0; i < n; i++)
		_tcase_add_test(tcase, tests[i], 0, 0, 0, 1);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}

#define SUITE_RUN(name, setup, ...)                                                                                    \
	suite_run((name), (setup), (const TTest *const[]){__VA_ARGS__},                                                \
		  sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))

#endif
