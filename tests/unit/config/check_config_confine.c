/* SPDX-License-Identifier: MIT */
/* The groups `program` and `limits`: words in place of numbers, and values that are wrong. */
#include "config/load.h"

#include <string.h>

#include "config/config.h"

#include "config_case.h"

#define EXEC(keys)                                                                                                     \
	"services: { a: { handler = \"exec\"; listen = \"127.0.0.1:7\"; command = [ \"/bin/sh\", \"x\" ];\n" keys      \
	"\n}; };\n"

START_TEST(not_written)
{
	const struct config_service *s;

	put("main.conf", EXEC(""));
	load(NULL);
	expect_good();
	s = &config->services[0];
	ck_assert_int_eq(s->limits.nofile, CONFIG_UNSET);
	ck_assert_int_eq(s->limits.cpu, CONFIG_UNSET);
	ck_assert_int_eq(s->limits.core, CONFIG_UNSET);
	ck_assert_int_eq(s->program.nice, CONFIG_UNSET);
	ck_assert_int_eq(s->program.oom_score_adjust, CONFIG_UNSET);
	ck_assert_uint_eq(s->program.umask, CONFIG_UNSET_MODE);
	ck_assert_ptr_null(s->program.directory);
	ck_assert_ptr_eq(s->program.argv, s->command);
}
END_TEST

START_TEST(written)
{
	const struct config_service *s;
	char *printed;

	put("main.conf",
	    EXEC("program: { argv0 = \"-sh\"; umask = \"027\"; nice = 0; oom_score_adjust = \"1000\";\n"
		 "directory = \"/\"; }; limits: { cpu = 7; as = \"unlimited\"; core = 0; fsize = \"1M\"; };"));
	load("services.a.limits.nproc=0");
	expect_error("oom_score_adjust: must be a number, without quotes");
	put("main.conf", EXEC("program: { argv0 = \"-sh\"; umask = \"027\"; nice = 19; oom_score_adjust = 1000;\n"
			      "directory = \"/\"; }; limits: { cpu = 7; core = 0; fsize = \"1M\"; memlock = \"\"; };"));
	load("services.a.limits.nproc=0");
	expect_good();
	s = &config->services[0];
	ck_assert_str_eq(s->program.argv[0], "-sh");
	ck_assert_str_eq(s->program.argv[1], "x");
	ck_assert_ptr_null(s->program.argv[2]);
	ck_assert_str_eq(s->command[0], "/bin/sh");
	ck_assert_uint_eq(s->program.umask, 027);
	ck_assert_int_eq(s->program.nice, 19);
	ck_assert_int_eq(s->limits.cpu, 7000);
	ck_assert_int_eq(s->limits.core, 0);
	ck_assert_int_eq(s->limits.nproc, 0);
	ck_assert_int_eq(s->limits.fsize, 1 << 20);
	ck_assert_int_eq(s->limits.memlock, CONFIG_UNSET);
	/* what is printed loads to the same */
	printed = config_printed(config);
	put("main.conf", printed);
	load(NULL);
	expect_good();
	ck_assert_str_eq(config->services[0].program.argv[0], "-sh");
	ck_assert_int_eq(config->services[0].limits.memlock, CONFIG_UNSET);
	ck_assert_int_eq(config->services[0].limits.nproc, 0);
	free(printed);
}
END_TEST

START_TEST(unlimited)
{
	struct config_source source = {.file = path_of("main.conf"), .handlers = fake_handlers, .portable = true};
	char file[4096], *printed;

	(void)snprintf(file, sizeof(file), "%s", source.file);
	source.file = file;
	put("main.conf", EXEC("limits: { cpu = \"unlimited\"; nofile = \"unlimited\"; stack = \"unlimited\"; };"));
	config = config_load(&source, &problems);
	expect_good();
	ck_assert_int_eq(config->services[0].limits.cpu, CONFIG_UNLIMITED);
	ck_assert_int_eq(config->services[0].limits.nofile, CONFIG_UNLIMITED);
	printed = config_printed(config);
	ck_assert_ptr_nonnull(strstr(printed, "cpu = \"unlimited\";"));
	free(printed);
}
END_TEST

/* "KEY=VALUE", and what is said to it. */
static const struct {
	const char *override, *message;
} wrong[] = {
	{"limits.nofile=2", "limits.nofile: 2 is out of range: 3 to 2147483647, or unlimited"},
	{"limits.nofile=many", "limits.nofile: \"many\" is not a whole number"},
	{"limits.nproc=-1", "limits.nproc: -1 is out of range"},
	{"limits.cpu=1500ms", "limits.cpu: must be a multiple of 1s"},
	{"limits.cpu=0", "limits.cpu: 0 is out of range: 1s to 365d, or unlimited"},
	{"limits.stack=4K", "limits.stack: 4096 is out of range: 128K to 1024T, or unlimited"},
	{"limits.as=all", "limits.as: "},
	{"limits.memory=4K", "limits.memory: "},
	{"program.nice=20", "program.nice: 20 is out of range: -20 to 19"},
	{"program.nice=unlimited", "program.nice: \"unlimited\" is not a whole number"},
	{"program.oom_score_adjust=-1001", "program.oom_score_adjust: -1001 is out of range: -1000 to 1000"},
	{"program.umask=1000", "program.umask: \"1000\" is more than 0777"},
	{"program.umask=9", "program.umask: "},
	{"program.directory=x", "program.directory: \"x\" must be a full path, beginning with /"},
	{"program.directory=/no/such", "program.directory: \"/no/such\": No such file or directory"},
	{"program.directory=/bin/sh", "program.directory: \"/bin/sh\" is not a directory"},
};

START_TEST(wrong_values)
{
	char override[128], message[200];

	put("main.conf", EXEC(""));
	(void)snprintf(override, sizeof(override), "services.a.%s", wrong[_i].override);
	load(override);
	(void)snprintf(message, sizeof(message), "-o: services.a.%s", wrong[_i].message);
	expect_error(message);
}
END_TEST

/* Keys that change nothing for a handler; those of workers have an effect for all. */
START_TEST(without_effect)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; program: { argv0 = \"x\";\n"
			 "directory = \"/\"; nice = 19; umask = \"0\"; }; limits: { core = 0; }; }; };\n");
	load(NULL);
	expect_good();
	ck_assert(says("main.conf:1: services.a.program.argv0: has no effect: it is for programs (the handlers "
		       "\"exec\" and \"listen\")"));
	ck_assert_uint_eq(problems_count(problems), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_confine");
	TCase *tc = tcase_create("config_confine");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, not_written);
	tcase_add_test(tc, written);
	tcase_add_test(tc, unlimited);
	tcase_add_loop_test(tc, wrong_values, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, without_effect);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
