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

/* What may come later is no error of an optional service. */
START_TEST(optional)
{
	put("main.conf", "services: { a: { handler = \"exec\"; listen = \"[fe80::1%nosuchif0]:7\";\n"
			 " command = [ \"/no/such/program\" ]; }; };\n");
	load(NULL);
	expect_error("main.conf:1: services.a.listen: \"[fe80::1%nosuchif0]:7\": there is no interface nosuchif0");
	expect_error("main.conf:2: services.a.command: \"/no/such/program\": No such file or directory");
	ck_assert(!problems_may_pass(problems)); /* the program is missing */
	load("services.a.command=/bin/cat");
	expect_error("there is no interface");
	ck_assert(problems_may_pass(problems));
	load("services.a.optional=true");
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 2);
	ck_assert(says("there is no interface nosuchif0; the service is optional, and waits for it"));
	ck_assert(says("No such file or directory; the service is optional, and waits for it"));
	ck_assert_ptr_nonnull(config->services[0].obstacle);
	load("services.a.optional=perhaps");
	expect_error("-o: services.a.optional: ");
}
END_TEST

START_TEST(optional_with_a_mistake)
{
	put("main.conf", ONE);
	load("services.a.optional=true");
	expect_good();
	ck_assert_ptr_null(config->services[0].obstacle);
	load_with(path_of("main.conf"),
		  (const char *[]){own_user, "services.a.optional=true", "services.a.listen=127.0.0.1", NULL});
	expect_error("no port");
	load_with(path_of("main.conf"),
		  (const char *[]){own_user, "services.a.optional=true", "services.a.socket.owner=no-such-user", NULL});
	expect_error("there is no user \"no-such-user\"");
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
	tcase_add_test(tc, optional);
	tcase_add_test(tc, optional_with_a_mistake);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
