/* SPDX-License-Identifier: MIT */
/* Services that are not opened. */
#include "config_case.h"

#include "config/diff.h"

START_TEST(disabled)
{
	const char *none[] = {own_user, NULL};
	char *text;

	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; enabled = false; };\n"
			 " b: { handler = \"echo\"; listen = \"127.0.0.1:7\"; };\n"
			 " c: { handler = \"echo\"; listen = \"127.0.0.1:7\"; enabled = false; }; };\n");
	load(NULL);
	expect_good();
	ck_assert_uint_eq(config->n_services, 1);
	ck_assert_uint_eq(config->n_disabled, 2);
	ck_assert_str_eq(config->services[0].name, "b");
	ck_assert_str_eq(config->services[1].name, "a");
	ck_assert_str_eq(config->services[2].name, "c");
	ck_assert_int_eq(config_find_service(config, "a"), -1);
	ck_assert(config_is_disabled(config, "a"));
	ck_assert(!config_is_disabled(config, "b"));
	text = config_printed(config);
	put("main.conf", text);
	free(text);
	load_with(path_of("main.conf"), none);
	expect_good();
	ck_assert_uint_eq(config->n_disabled, 2);
}
END_TEST

START_TEST(disabled_is_checked)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; };\n"
			 " b: { handler = \"ehco\"; listen = \"127.0.0.1\"; enabled = false; }; };\n");
	load(NULL);
	expect_error("main.conf:2: services.b.handler: there is no handler \"ehco\"");
	expect_error("main.conf:2: services.b.listen: \"127.0.0.1\": no port");
	load("services.b.enabled=maybe");
	expect_error("-o: services.b.enabled: ");
}
END_TEST

START_TEST(all_disabled)
{
	put("main.conf", ONE);
	load("services.a.enabled=false");
	expect_error("services: all services are disabled (enabled = false)");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_absent");
	TCase *tc = tcase_create("config_absent");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, disabled);
	tcase_add_test(tc, disabled_is_checked);
	tcase_add_test(tc, all_disabled);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
