/* SPDX-License-Identifier: MIT */
/* The differences between two configurations: lists and files of networks, added and removed services. */
#include "config/diff.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"

#include "../suite.h"
#include "config_diff_case.h"

#define WITH(ACCESS) "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; access: {" ACCESS "}; }; };\n"

/* The change from one text of main.conf to another. */
static enum config_change between(const char *before, const char *after)
{
	enum config_change change;

	config_free(&a);
	config_free(&b);
	put("main.conf", before);
	a = load(NULL);
	put("main.conf", after);
	b = load(NULL);
	change = config_diff_service(b, 0, a, 0, keys, sizeof(keys));
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), change);
	return change;
}

/* Lists are compared by their networks: order, spelling, repetition and places of entries do not count. */
START_TEST(networks_in_other_words)
{
	ck_assert_int_eq(between(WITH("allow = [ \"10.0.0.0/8\", \"::1\" ]; deny = \"10.1.0.0/16\";"),
				 "\n\n" WITH("deny = [ \"::ffff:10.1.0.0/112\", \"10.1.0.0/16\" ];\n"
					     "allow = [ \"0:0::0:1/128\", \"10.0.0.0/8\", \"::1\" ];")),
			 CHANGE_NONE);
	ck_assert_str_eq(keys, "");
	ck_assert_int_eq(between(WITH("probes = [ \"unix:uid=0\", \"::1\" ];"),
				 WITH("probes = [ \"::1\", \"unix:uid=root\" ];")),
			 CHANGE_NONE);
	/* the same addresses, but another result beside a rule for 10.0.0.0/9 */
	ck_assert_int_eq(
		between(WITH("allow = [ \"10.0.0.0/8\" ];"), WITH("allow = [ \"10.0.0.0/8\", \"10.1.0.0/16\" ];")),
		CHANGE_WORKERS);
	ck_assert_str_eq(keys, "access.allow");
	ck_assert_int_eq(between(WITH("allow = \"10.0.0.0/8\";"), WITH("deny = \"10.0.0.0/8\";")), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "access.allow, access.deny");
	ck_assert_int_eq(between(WITH("allow = [ ];"), WITH("deny = \"\";")), CHANGE_NONE);
}
END_TEST

/* Files of the same name are compared by their networks. */
START_TEST(files_of_networks)
{
	static const char *const lists[] = {"allow_file", "deny_file"};
	char text[256], key[64];
	size_t i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof(text), WITH("%s = \"%.100s\";"), lists[i], path_of("list"));
		(void)snprintf(key, sizeof(key), "access.%s", lists[i]);
		put("list", "192.0.2.0/24\n2001:db8::/32\n");
		ck_assert_int_eq(between(text, text), CHANGE_NONE);
		put("list", "# other words\n\n2001:0db8::/32 # first\r\n192.0.2.0/24");
		config_free(&b);
		b = load(NULL);
		ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_NONE);
		put("list", "2001:db8::/33\n192.0.2.0/24");
		config_free(&b);
		b = load(NULL);
		ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
		ck_assert_str_eq(keys, key);
		put("list", "");
		config_free(&b);
		b = load(NULL);
		ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
		ck_assert_str_eq(keys, key);
		/* an empty list differs from no list */
		put("main.conf", WITH(""));
		config_free(&a);
		a = load(NULL);
		ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
		ck_assert_str_eq(keys, key);
	}
}
END_TEST

START_TEST(many_keys)
{
	char room[32];

	put("main.conf", BASE);
	a = load(NULL);
	put("main.conf", BASE "log: { level = \"debug\"; };\n");
	put("main.d/a.conf", "services: { a: { workers: { max = 20; };\n"
			     "timeouts: { idle = \"1s\"; drain = \"1s\"; }; backlog = 5; }; };\n");
	b = load(NULL);
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "log.level, backlog, workers.max, timeouts.idle, timeouts.drain");
	memset(room, 'x', sizeof(room));
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, room, 20), CHANGE_WORKERS);
	ck_assert_str_eq(room, "log.level, backl...");
	ck_assert_int_eq(room[20], 'x');
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, room, 2), CHANGE_WORKERS);
	ck_assert_str_eq(room, "l");
	/* Exactly enough room, and one byte less. */
	(void)config_diff_service(a, 0, b, 0, keys, strlen(keys) + 1);
	ck_assert_str_eq(keys, "log.level, backlog, workers.max, timeouts.idle, timeouts.drain");
	(void)config_diff_service(a, 0, b, 0, keys, strlen(keys));
	ck_assert_str_eq(keys, "log.level, backlog, workers.max, timeouts.idle, timeouts.d...");
}
END_TEST

#define ECHO(NAME, PORT) NAME ": { handler = \"echo\"; listen = \"127.0.0.1:" PORT "\"; };\n"

/* Services are found by name, in any order. */
START_TEST(services_come_and_go)
{
	put("main.conf", "services: {" ECHO("a", "1") ECHO("b", "2") ECHO("c", "3") "};\n");
	a = load(NULL);
	put("main.conf", "services: {" ECHO("c", "3") ECHO("d", "2") ECHO("a", "1") "};\n");
	b = load(NULL);
	ck_assert_int_eq(config_find_service(a, "c"), 2);
	ck_assert_int_eq(config_find_service(b, "c"), 0);
	ck_assert_int_eq(config_find_service(b, "b"), -1);
	ck_assert_int_eq(config_find_service(a, "d"), -1);
	ck_assert_int_eq(config_find_service(a, ""), -1);
	ck_assert_int_eq(config_diff_service(a, 2, b, 0, keys, sizeof(keys)), CHANGE_NONE);
	ck_assert_int_eq(config_diff_service(a, 0, b, 2, keys, sizeof(keys)), CHANGE_NONE);
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_LISTENER);
	ck_assert_str_eq(keys, "listen");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_diff_networks");
	TCase *tc = tcase_create("config_diff_networks");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, networks_in_other_words);
	tcase_add_test(tc, files_of_networks);
	tcase_add_test(tc, many_keys);
	tcase_add_test(tc, services_come_and_go);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
