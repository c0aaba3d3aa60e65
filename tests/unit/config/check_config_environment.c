/* SPDX-License-Identifier: MIT */
/* The environment of programs: program.environment and program.pass_environment. */
#include "config/environment.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/diff.h"
#include "config/fingerprint.h"

#include "config_case.h"

#define EXEC(keys)                                                                                                     \
	"services: { a: { handler = \"exec\"; listen = \"127.0.0.1:7\"; command = \"/bin/sh\";\n" keys "\n}; };\n"

/* The variables of the first service, each with a ; behind it. */
static const char *variables(void)
{
	static char text[512];

	text[0] = '\0';
	for (char **p = config->services[0].program.environment; *p != NULL; p++) {
		(void)strncat(text, *p, 400 - strlen(text));
		(void)strcat(text, ";");
	}
	return text;
}

START_TEST(none)
{
	put("main.conf", EXEC("program: { environment: { }; };"));
	load(NULL);
	expect_good();
	ck_assert_str_eq(variables(), "");
	ck_assert_uint_eq(problems_count(problems), 0);
}
END_TEST

START_TEST(added_up)
{
	put("main.conf", "defaults: { program: { environment: { B = \"of all\"; C = \"c\"; }; }; };\n" EXEC(
				 "program: { environment: { Z = \"\"; B = \"b = %n\"; A_1 = \"a\"; }; };"));
	load("services.a.program.environment.NAME=value");
	expect_good();
	ck_assert_str_eq(variables(), "A_1=a;B=b = %n;C=c;NAME=value;Z=;");
	load("services.a.program.environment.B=last");
	expect_good();
	ck_assert_str_eq(variables(), "A_1=a;B=last;C=c;Z=;");
	load("defaults.program.environment.C=d");
	expect_good();
	ck_assert_str_eq(variables(), "A_1=a;B=b = %n;C=d;Z=;");
	load("services.a.program.environment._X=y");
	expect_good();
	ck_assert_str_eq(variables(), "A_1=a;B=b = %n;C=c;Z=;_X=y;");
}
END_TEST

START_TEST(passed)
{
	ck_assert_int_eq(setenv("CHECK_PASSED", "own", 1), 0);
	ck_assert_int_eq(unsetenv("CHECK_MISSING"), 0);
	put("main.conf", EXEC("program: { pass_environment = [ \"CHECK_PASSED\", \"CHECK_MISSING\" ]; };"));
	load(NULL);
	expect_good();
	ck_assert_str_eq(variables(), "CHECK_PASSED=own;");
	load("services.a.program.environment.CHECK_PASSED=set");
	expect_good();
	ck_assert_str_eq(variables(), "CHECK_PASSED=set;");
}
END_TEST

/* The printed configuration loads to the same, whatever is in the values. */
START_TEST(printed)
{
	struct config *before;
	char *text;

	put("main.conf", EXEC("program: { environment: { A = \"\\\"x\\\\ }; \\n\"; B = \"b\"; }; };"));
	load(NULL);
	expect_good();
	ck_assert_str_eq(variables(), "A=\"x\\ }; \n;B=b;");
	text = config_printed(config);
	put("main.conf", text);
	free(text);
	before = config;
	config = NULL;
	load(NULL);
	expect_good();
	ck_assert_str_eq(variables(), "A=\"x\\ }; \n;B=b;");
	ck_assert_int_eq(config_diff_service(before, 0, config, 0, NULL, 0), CHANGE_NONE);
	config_free(&before);
}
END_TEST

/* Another order is no change; another value, name or number is one. */
START_TEST(compared)
{
	static const struct {
		const char *override;
		enum config_change change;
	} changes[] = {
		{NULL, CHANGE_NONE},
		{"services.a.program.environment.B=b", CHANGE_NONE},
		{"services.a.program.environment.B=c", CHANGE_WORKERS},
		{"services.a.program.environment.C=b", CHANGE_WORKERS},
	};
	struct config *before;
	char keys[64];
	bool same;

	put("main.conf", EXEC("program: { environment: { A = \"a\"; B = \"b\"; }; };"));
	load(NULL);
	before = config;
	config = NULL;
	put("main.conf", EXEC("program: { environment: { B = \"b\"; A = \"a\"; }; };"));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		load(changes[i].override);
		expect_good();
		ck_assert_int_eq(config_diff_service(before, 0, config, 0, keys, sizeof(keys)), changes[i].change);
		ck_assert_str_eq(keys, changes[i].change != CHANGE_NONE ? "program.environment" : "");
		same = config_fingerprint(before, 0) == config_fingerprint(config, 0);
		ck_assert(same == (changes[i].change == CHANGE_NONE));
	}
	config_free(&before);
}
END_TEST

/* In braces, and what is said to it; with the line of the second key. */
static const struct {
	const char *inside, *message;
} wrong[] = {
	{"environment = \"A=b\";",
	 "main.conf:3: services.a.program.environment: is a group of keys: environment: { ... }"},
	{"environment: { A = 5; };",
	 "main.conf:3: services.a.program.environment.A: the value of a variable is a string"},
	{"environment: { A: { B = \"c\"; }; };",
	 "services.a.program.environment.A: the value of a variable is a string"},
	{"environment: { A-B = \"c\"; };", "services.a.program.environment.A-B: \"A-B\" is no name of a variable"},
	{"environment: { A = \"1\"; A = \"2\"; };", "A"},
	{"environment: { REMOTE_ADDR = \"c\"; };",
	 "environment.REMOTE_ADDR: the daemon sets REMOTE_ADDR itself: the address of "
	 "the client"},
	{"environment: { TCPREMOTEIP = \"c\"; };", "the daemon sets TCPREMOTEIP itself: the address of the client"},
	{"environment: { LISTEN_FDS = \"c\"; };", "the daemon sets LISTEN_FDS itself: the sockets"},
	{"environment: { NOTIFY_SOCKET = \"c\"; };", "the daemon sets NOTIFY_SOCKET itself"},
	{"environment: { PREFORKD_SERVICE = \"c\"; };", "the daemon sets PREFORKD_SERVICE itself"},
	{"pass_environment = \"A B\";", "services.a.program.pass_environment: \"A B\" is no name of a variable"},
	{"pass_environment = [ \"LANG\", \"WATCHDOG_USEC\" ];", "the daemon sets WATCHDOG_USEC itself: how often"},
};

START_TEST(wrong_values)
{
	char text[512];

	(void)snprintf(text, sizeof(text), EXEC("program: {\n%s };"), wrong[_i].inside);
	put("main.conf", text);
	load(NULL);
	expect_error(wrong[_i].message);
	ck_assert_uint_eq(problems_count(problems), 1);
}
END_TEST

START_TEST(wrong_overrides)
{
	put("main.conf", EXEC(""));
	load("services.a.program.environment=x");
	expect_error("-o: services.a.program.environment: is a group of keys");
	load("services.a.program.environment.1A=x");
	expect_error("-o: services.a.program.environment.1A: \"1A\" is no name of a variable");
	load("services.a.program.environment.A.B=x");
	expect_error("-o: services.a.program.environment.A.B: \"A.B\" is no name of a variable");
	load("defaults.program.environment.LISTEN_FDS=x");
	expect_error("-o: defaults.program.environment.LISTEN_FDS: the daemon sets LISTEN_FDS itself");
}
END_TEST

/* Two files that give one variable, and too many of them. */
START_TEST(set_twice)
{
	put("main.conf", EXEC("program: { environment: { A = \"a\"; }; };"));
	put("main.d/b.conf", "services: { a: { program: { environment: { A = \"b\"; }; }; }; };\n");
	load(NULL);
	expect_error("b.conf:1: services.a.program.environment.A: is set twice; the first time in ");
}
END_TEST

START_TEST(too_many)
{
	char text[8192] = "services: { a: { handler = \"exec\"; listen = \"127.0.0.1:7\"; command = \"/bin/sh\";\n"
			  "program: { environment: {\n";
	size_t len = strlen(text);

	for (int i = 0; i <= CONFIG_VARIABLES_MOST; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "A%d = \"\";\n", i);
	(void)snprintf(text + len, sizeof(text) - len, "}; }; }; };\n");
	put("main.conf", text);
	load(NULL);
	expect_error(
		"services.a.program.environment: 201 variables, with those of pass_environment, are more than 200");
}
END_TEST

START_TEST(without_effect)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; program: { listener_fd = 0;\n"
			 "environment: { A = \"b\"; }; pass_environment = \"LANG\"; }; }; };\n");
	load(NULL);
	expect_good();
	ck_assert(says("main.conf:2: services.a.program.environment: has no effect: it is for programs"));
	ck_assert(says("main.conf:2: services.a.program.pass_environment: has no effect: it is for programs"));
	ck_assert(says("main.conf:1: services.a.program.listener_fd: has no effect: it is for programs that accept"));
	ck_assert_uint_eq(problems_count(problems), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_environment");
	TCase *tc = tcase_create("config_environment");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, none);
	tcase_add_test(tc, added_up);
	tcase_add_test(tc, passed);
	tcase_add_test(tc, printed);
	tcase_add_test(tc, compared);
	tcase_add_loop_test(tc, wrong_values, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, wrong_overrides);
	tcase_add_test(tc, set_twice);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, without_effect);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
