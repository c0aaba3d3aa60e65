/* SPDX-License-Identifier: MIT */
/* Overrides on the command line, and keys that exclude each other. */
#include "config/load.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "config/config.h"

#include "../suite.h"
#include "config_case.h"

START_TEST(overrides_apply)
{
	put("main.conf", ONE);
	load("services.a.backlog=64");
	expect_good();
	ck_assert_int_eq(config->services[0].backlog, 64);
	load("defaults.timeouts.idle=7s");
	expect_good();
	ck_assert_int_eq(config->services[0].timeouts.idle, 7000);
	load("log.level=debug");
	expect_good();
	ck_assert_int_eq(config->log.level, LOG_DEBUG);
	load("services.a.socket.nodelay=false");
	expect_good();
	ck_assert(!config->services[0].socket.nodelay);
	load("services.a.listen=[ \"*:1\", \"unix:/a=b\" ]");
	expect_good();
	ck_assert_uint_eq(config->services[0].n_listen, 2);
	ck_assert_str_eq(config->services[0].listen[1].host, "/a=b");
	ck_assert_int_eq(config->services[0].listen_origin[0].line, -1);
	load("services.a.listen=*:1");
	expect_good();
	ck_assert_str_eq(config->services[0].listen[0].text, "*:1");
	load("services.a.listen=\"*:2\"");
	expect_good();
	ck_assert_str_eq(config->services[0].listen[0].text, "*:2");
}
END_TEST

START_TEST(overrides_wrong)
{
	put("main.conf", ONE);
	load("backlog");
	expect_error("-o: \"backlog\" is not PATH=VALUE");
	load("services.a.bcklog=1");
	expect_error("-o: services.a.bcklog: unknown key; did you mean services.a.backlog?");
	load("services.a.backlog=many");
	expect_error("-o: services.a.backlog: \"many\" is not a whole number");
	load("services.a.backlog=5000000000");
	expect_error("-o: services.a.backlog: 5000000000 is out of range");
	load("services.a=5");
	expect_error("-o: services.a: is a group of keys");
	load("services.a.listen=[ \"*:1\"");
	expect_error("-o: the [ that begins here is not closed");
	load("services.a.listen=[]; user = \"x\"");
	expect_error("-o: services.a.listen: more than one value");
	load("services.a.socket.nodelay=yes");
	expect_error("-o: services.a.socket.nodelay: must be true or false");
	load("services.b.handler=echo");
	expect_error("-o: services.b.listen: missing");
	load("services..handler=echo");
	expect_error("-o: services..handler: a service needs a name");
	load("=");
	expect_error("is not PATH=VALUE");
}
END_TEST

START_TEST(override_makes_service)
{
	const char *overrides[] = {own_user,
				   "services.new.handler=echo",
				   "services.new.listen=*:5",
				   "services.a.backlog=1",
				   "services.a.backlog=2",
				   NULL};

	put("main.conf", ONE);
	load_with(path_of("main.conf"), overrides);
	expect_good();
	ck_assert_uint_eq(config->n_services, 2);
	ck_assert_str_eq(config->services[1].name, "new");
	ck_assert_int_eq(config->services[0].backlog, 2);
}
END_TEST

static const struct {
	const char *a, *b, *options;
	bool meet;
} pairs[] = {
	{"*:80", "127.0.0.1:80", "", true},
	{"*:80", "[::1]:80", "", true},
	{"*:80", "*:80", "", true},
	{"*:80", "*:81", "", false},
	{"*:0", "*:0", "", false},
	{"127.0.0.1:0", "127.0.0.1:0", "", false},
	{"127.0.0.1:80", "127.0.0.2:80", "", false},
	{"127.0.0.1:80", "[::1]:80", "", false},
	{"0.0.0.0:80", "127.0.0.1:80", "", true},
	{"0.0.0.0:80", "[::1]:80", "", false},
	{"[::]:80", "0.0.0.0:80", "", true},
	{"[::]:80", "0.0.0.0:80", "v6only = true;", false},
	{"[::]:80", "[::1]:80", "v6only = true;", true},
	{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", "", true},
	{"udp:127.0.0.1:80", "127.0.0.1:80", "", false},
	{"udp:127.0.0.1:80", "udp:*:80", "", true},
	{"unix:/run/x", "unix:/run/x", "", true},
	{"unix:/run/x", "unix:@run/x", "", false},
	{"systemd:x", "systemd:x", "", true},
	{"systemd:x", "systemd:y", "", false},
	{"systemd:x", "*:80", "", false},
	{"127.0.0.1:80", "localhost:80", "", true},
};

START_TEST(conflicts)
{
	char text[1024];
	int turn;

	for (turn = 0; turn < 2; turn++) {
		(void)snprintf(text, sizeof(text),
			       "services: { a: { handler = \"echo\"; listen = \"%s\"; socket: { %s }; };\n"
			       "b: { handler = \"echo\"; listen = \"%s\"; socket: { %s }; }; };\n",
			       turn == 0 ? pairs[_i].a : pairs[_i].b, pairs[_i].options,
			       turn == 0 ? pairs[_i].b : pairs[_i].a, pairs[_i].options);
		put("main.conf", text);
		load(NULL);
		if (pairs[_i].meet)
			expect_error("main.conf:2: services.b.listen: ");
		else
			expect_good();
		ck_assert(says("is taken already, by services.a") == pairs[_i].meet);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_overrides");
	TCase *tc = tcase_create("config_overrides");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60); /* a resolver may take long to answer */
	tcase_add_test(tc, overrides_apply);
	tcase_add_test(tc, overrides_wrong);
	tcase_add_test(tc, override_makes_service);
	tcase_add_loop_test(tc, conflicts, 0, sizeof(pairs) / sizeof(pairs[0]));
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
