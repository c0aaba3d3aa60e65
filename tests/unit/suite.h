/* SPDX-License-Identifier: MIT */
/* The main() of every unit test: one suite, one case, the exit status. */
#ifndef PREFORKD_TESTS_SUITE_H
#define PREFORKD_TESTS_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

#define SUITE_SECONDS 60 /* a test that takes longer hangs; a loaded machine is no reason to fail */

/*
 * Adds the tests to the case that are of our part: tests/tap-unit starts the program SUITE_PARTS times side by side,
 * and deals the tests in turn to the parts SUITE_PART = 0, 1, ... Without these variables all tests run, one after
 * the other. A program whose tests use all processors defines SUITE_SERIAL before it includes this file: then the
 * part 0 has all tests.
 */
static inline void suite_add(TCase *tcase, const TTest *test, int signal, int status, int start, int end)
{
	static unsigned n;
	const char *part_text = getenv("SUITE_PART"), *parts_text = getenv("SUITE_PARTS");
	unsigned part = part_text != NULL ? (unsigned)strtoul(part_text, NULL, 10) : 0;
	unsigned parts = parts_text != NULL ? (unsigned)strtoul(parts_text, NULL, 10) : 1;

#ifdef SUITE_SERIAL
	if (part == 0)
		_tcase_add_test(tcase, test, signal, status, start, end);
	return;
#endif
	for (int i = start; i < end; i++)
		if (n++ % parts == part)
			_tcase_add_test(tcase, test, signal, status, i, i + 1);
}

/* Stand in place of check.h's tcase_add_test() and tcase_add_loop_test(). */
#define _tcase_add_test(tcase, test, signal, status, start, end)                                                       \
	suite_add((tcase), (test), (signal), (status), (start), (end))

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
		suite_add(tcase, tests[i], 0, 0, 0, 1);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}

#define SUITE_RUN(name, setup, ...)                                                                                    \
	suite_run((name), (setup), (const TTest *const[]){__VA_ARGS__},                                                \
		  sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))

#endif
