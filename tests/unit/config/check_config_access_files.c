/* SPDX-License-Identifier: MIT */
/* Files of networks: correct, wrong, and large ones. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "config/config.h"
#include "config/network_list.h"
#include "net/networks.h"
#include "net/unix_peer.h"

#include "../config_fakes.h"
#include "../peers.h"
#include "../suite.h"
#include "access_case.h"

/* Comments, blanks and line ends; and the place of each entry. */
START_TEST(a_file)
{
	static const char text[] = "\xef\xbb\xbf# who may\r\n"
				   "10.0.0.0/8\r\n"
				   "\r\n"
				   "  \t2001:db8::/32\t # the house\n"
				   "unix:uid=root#admin\n"
				   "#10.9.9.9\n"
				   "\n"
				   "::ffff:192.0.2.1"; /* no end of line */
	const struct unix_peer root = {.uid = 0};
	const struct config_access *access;

	put("list", text);
	load("services.a.access.allow_file=[\"@/list\"]", "services.a.access.deny=10.9.0.0/16", NULL);
	access = &service(0)->access;
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_uint_eq(access->n_rules, 5);
	ck_assert_str_eq(rule_of("10.9.9.9", NULL), "-10.9.0.0/16");
	ck_assert_str_eq(rule_of("10.8.9.9", NULL), "+10.0.0.0/8");
	ck_assert_str_eq(rule_of("2001:db8::7", NULL), "+2001:db8::/32");
	ck_assert_str_eq(rule_of("unix", &root), "+unix:uid=root");
	ck_assert_str_eq(rule_of("192.0.2.1", NULL), "+::ffff:192.0.2.1");
	ck_assert_str_eq(access->rule[0].origin.file, path_of("list"));
	ck_assert_int_eq(access->rule[0].origin.line, 2);
	ck_assert_int_eq(access->rule[1].origin.line, 4);
	ck_assert_int_eq(access->rule[2].origin.line, 5);
	ck_assert_int_eq(access->rule[3].origin.line, 8);
	ck_assert_int_eq(access->rule[4].origin.line, -1); /* -o */
	/* the next load reads the file again */
	put("list", "10.8.9.9\n");
	load("services.a.access.allow_file=[\"@/list\"]", NULL, NULL);
	ck_assert_str_eq(rule_of("10.8.9.9", NULL), "+10.8.9.9");
	ck_assert_str_eq(rule_of("2001:db8::7", NULL), "");
	/* the same network is allowed by one file and denied by the other */
	load("services.a.access.allow_file=@/list", "services.a.access.deny_file=@/list", NULL);
	ck_assert_str_eq(rule_of("10.8.9.9", NULL), "-10.8.9.9");
}
END_TEST

static const struct {
	const char *text;
	size_t len; /* 0: the length of the string */
	const char *says[3];
} wrong_files[] = {
	{"10.0.0.0/8\n10.0.0.1/8\nx\n", 0, {"list:2: services.a.access.deny_file: \"10.0.0.1/8\": bits", "list:3: "}},
	{"10.0.0.1 10.0.0.2\n", 0, {"list:1: services.a.access.deny_file: one network a line"}},
	{"10.0.0.1, 10.0.0.2\n", 0, {"list:1: services.a.access.deny_file: one network a line"}},
	{"\n10.0.0.1\n10.0\0.0.2\n::1", 23, {"list:3: services.a.access.deny_file: there is a NUL byte"}},
	{"\0", 1, {"list:1: services.a.access.deny_file: there is a NUL byte"}},
	{"\x1b[31mred\n", 0, {"list:1: services.a.access.deny_file: \"\\x1b[31mred\""}},
	{"unix:uid=no-such-user\n",
	 0,
	 {"list:1: services.a.access.deny_file: \"unix:uid=no-such-user\": there is no user"}},
};

START_TEST(a_wrong_file)
{
	size_t i, n = 0;

	put_bytes("list", wrong_files[_i].text,
		  wrong_files[_i].len > 0 ? wrong_files[_i].len : strlen(wrong_files[_i].text));
	load("services.a.access.deny_file=@/list", NULL, NULL);
	print_problems();
	ck_assert_ptr_null(config);
	for (i = 0; i < 3 && wrong_files[_i].says[i] != NULL; i++, n++)
		ck_assert_msg(says(wrong_files[_i].says[i]), "nothing says: %s", wrong_files[_i].says[i]);
	ck_assert_uint_eq(problems_count(problems), n);
}
END_TEST

/* The first wrong lines are reported one by one, the others are counted. */
START_TEST(many_wrong_lines)
{
	FILE *out = fopen(path_of("list"), "w");

	ck_assert_ptr_nonnull(out);
	for (int i = 1; i <= 1000; i++)
		(void)fprintf(out, "%s%d\n", i % 2 == 0 ? "10.0.0." : "10.0.0.0/8 # ", i % 2 == 0 ? 1000 + i : i);
	ck_assert_int_eq(fclose(out), 0);
	load("services.a.access.deny_file=@/list", NULL, NULL);
	ck_assert_ptr_null(config);
	ck_assert_uint_eq(problems_count(problems), NETWORK_LIST_REPORT_MOST + 1);
	ck_assert(says("list:2: ") && says("list:40: ") && !says("list:42: "));
	ck_assert(says("480 more lines are wrong"));
	ck_assert_uint_eq(count(LOG_ERR), NETWORK_LIST_REPORT_MOST + 1);
}
END_TEST

/* Files of the greatest size, and one line or byte larger. */
START_TEST(too_large)
{
	FILE *out = fopen(path_of("list"), "w");

	ck_assert_ptr_nonnull(out);
	for (int i = 0; i < NETWORK_LIST_LINES_MOST; i++)
		(void)fputs("\n", out);
	ck_assert_int_eq(fclose(out), 0);
	load("services.a.access.deny_file=@/list", NULL, NULL);
	(void)service(0);
	out = fopen(path_of("list"), "a");
	ck_assert_ptr_nonnull(out);
	(void)fputs("::1", out);
	ck_assert_int_eq(fclose(out), 0);
	load("services.a.access.deny_file=@/list", NULL, NULL);
	ck_assert_ptr_null(config);
	ck_assert(says("list:2000001: ") && says("more than 2000000 lines"));
	ck_assert_int_eq(truncate(path_of("list"), (off_t)NETWORK_LIST_BYTES_MOST + 1), 0);
	load("services.a.access.deny_file=@/list", NULL, NULL);
	ck_assert(config == NULL && says("it is larger than 64 MiB"));
}
END_TEST

/* All of 100,000 lines are read, and services with the same rules share them. */
START_TEST(large)
{
	FILE *out = fopen(path_of("list"), "w");
	const struct config_access *access;
	char text[32];

	ck_assert_ptr_nonnull(out);
	for (int i = 0; i < 100000; i++)
		(void)fprintf(out, "10.%d.%d.%d/31\n", i >> 15, i >> 7 & 255, i << 1 & 254);
	ck_assert_int_eq(fclose(out), 0);
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"unix:@a\"; };\n"
			 "b: { handler = \"echo\"; listen = \"unix:@b\"; };\n"
			 "c: { handler = \"echo\"; listen = \"unix:@c\"; access: { deny = \"::1\"; }; }; };\n");
	load("defaults.access.deny_file=@/list", NULL, NULL);
	access = &service(0)->access;
	ck_assert(!access->only_allowed);
	ck_assert_uint_eq(access->n_rules, 100000);
	for (int i = 0; i < 100000; i += 997) {
		(void)snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 15, i >> 7 & 255, (i << 1 & 254) + 1);
		ck_assert_int_eq(find_as(access->rules, text, NULL), i);
		ck_assert_int_eq(access->rule[i].origin.line, i + 1);
	}
	ck_assert_ptr_eq(config->services[1].access.rules, access->rules);
	ck_assert_uint_eq(config->services[2].access.n_rules, 100001);
	ck_assert(in(config->services[2].access.rules, "::1") && !in(access->rules, "::1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_access_files");
	TCase *tc = tcase_create("config_access_files");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, a_file);
	tcase_add_loop_test(tc, a_wrong_file, 0, ARRAY_SIZE(wrong_files));
	tcase_add_test(tc, many_wrong_lines);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, large);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
