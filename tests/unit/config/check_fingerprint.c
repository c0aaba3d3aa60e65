/* SPDX-License-Identifier: MIT */
/* The fingerprint of a service: the same where a reload would need no new workers. */
#include "config/fingerprint.h"

#include "config/diff.h"
#include "config/values.h"

#include "config_diff_case.h"

static const char *const overrides[] = {
	"services.a.backlog=5",
	"services.a.workers.min=1",
	"services.a.timeouts.drain=7s",
	"services.a.command=/bin/cat",
	"services.a.command=[\"/bin/sh\", \"-c\", \"x\"]",
	"services.a.listen=127.0.0.1:8",
	"services.a.program.watchdog=9s",
	"log.level=debug",
	"defaults.program.notify=true",
};

/* What a reload does decides. */
START_TEST(as_a_reload_sees_it)
{
	bool same;

	a = load(NULL);
	b = load(overrides[_i]);
	same = config_diff_service(a, 0, b, 0, keys, sizeof(keys)) <= CHANGE_LIVE;
	ck_assert_int_eq(config_fingerprint(a, 0) == config_fingerprint(b, 0), same);
}
END_TEST

START_TEST(two_readings_of_one_file)
{
	a = load(NULL);
	b = load(NULL);
	ck_assert_uint_eq(config_fingerprint(a, 0), config_fingerprint(b, 0));
	ck_assert_uint_ne(config_fingerprint(a, 0), 0);
}
END_TEST

START_TEST(two_words_are_not_one)
{
	a = load("services.a.command=[\"/bin/sh\", \"a b\"]");
	b = load("services.a.command=[\"/bin/sh\", \"a\", \"b\"]");
	ck_assert_uint_ne(config_fingerprint(a, 0), config_fingerprint(b, 0));
}
END_TEST

START_TEST(another_user_of_the_same_name)
{
	a = load(NULL);
	b = load(NULL);
	if (!a->services[0].identity.set)
		return;
	((struct service_values *)(uintptr_t)&a->store->services[0])->service.identity.uid++;
	ck_assert_uint_ne(config_fingerprint(a, 0), config_fingerprint(b, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fingerprint");
	TCase *tcase = tcase_create("fingerprint");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, as_a_reload_sees_it, 0, sizeof(overrides) / sizeof(overrides[0]));
	tcase_add_test(tcase, two_readings_of_one_file);
	tcase_add_test(tcase, two_words_are_not_one);
	tcase_add_test(tcase, another_user_of_the_same_name);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
