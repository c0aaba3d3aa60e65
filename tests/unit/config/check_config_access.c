/* SPDX-License-Identifier: MIT */
/* The keys of `access`: presets, values, and mistakes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/week.h"
#include "config/config.h"
#include "net/networks.h"
#include "net/unix_peer.h"

#include "../config_fakes.h"
#include "../peers.h"
#include "../suite.h"
#include "access_case.h"

START_TEST(presets)
{
	const struct config_service *s;

	load(NULL, NULL, NULL);
	s = service(0);
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert(s->access.rules == NULL && s->access.rule == NULL && s->access.n_rules == 0);
	ck_assert(!s->access.only_allowed);
	ck_assert(s->access.probes == NULL && s->access.exempt == NULL && s->access.reserve_for == NULL);
	ck_assert(s->access.reserve == 0 && s->access.per_source == 0);
	ck_assert(s->access.rate.n == 0 && s->access.per_source_rate.n == 0);
	ck_assert(s->access.per_source_datagrams.n == 100 && s->access.per_source_datagrams.per_ms == 1000);
	ck_assert(s->access.prefix4 == 32 && s->access.prefix6 == 64 && s->access.sources == 16384);
	ck_assert(s->access.refusal == REFUSAL_CLOSE && s->access.banner == NULL);
	ck_assert(s->penalty.crashes == 0 && s->penalty.refusals == 0);
	ck_assert(s->penalty.within == 60000 && s->penalty.duration == 600000);
	ck_assert(s->proxy_protocol.from == NULL && s->proxy_protocol.without == NULL);
	ck_assert_int_eq(s->proxy_protocol.timeout, 5000);
	ck_assert(s->workers.on_full == ON_FULL_QUEUE && s->on_hangup == ON_HANGUP_TERM);
	ck_assert_int_eq(s->on_cut, ON_CUT_RESET);
	ck_assert(s->timeouts.first_byte_busy == 3000 && s->timeouts.send == 120000);
}
END_TEST

#define ALL_KEYS                                                                                                       \
	"services: { a: { handler = \"echo\"; listen = [ \"127.0.0.1:7\", \"unix:@check\" ]; on_hangup = "             \
	"\"ignore\"; on_cut = \"close\";\n"                                                                            \
	"workers: { on_full = \"refuse\"; max = 9; };\n"                                                               \
	"access: { allow = [ \"10.0.0.0/8\", \"unix:\" ]; allow_file = \"%s/one\"; deny = \"10.1.0.0/16\";\n"          \
	"  deny_file = [ \"%s/empty\" ]; refusal = \"close\"; banner = \"go\\r\\naway\\x01\\\"\"; per_source = 3;\n"   \
	"  per_source_rate = \"10/s\"; rate = \"100/1min\"; prefix4 = 24; prefix6 = 56; sources = 256;\n"              \
	"  exempt = \"::1\"; reserve = 2; reserve_for = [ \"192.0.2.0/24\" ]; probes = \"unix:uid=0\"; };\n"           \
	"penalty: { crashes = 3; refusals = 20; within = \"30s\"; duration = 3600; };\n"                               \
	"proxy_protocol: { from = \"::1\"; without = \"127.0.0.1\"; timeout = \"1500ms\"; };\n"                        \
	"timeouts: { first_byte = \"5s\"; first_byte_busy = \"500ms\"; send = \"unlimited\"; }; }; };\n"

static void put_all_keys(void)
{
	char text[2000];

	(void)snprintf(text, sizeof(text), ALL_KEYS, folder, folder);
	put("main.conf", text);
}

START_TEST(values)
{
	const struct unix_peer root = {.uid = 0}, user = {.uid = 1};
	const struct config_service *s;

	put_all_keys();
	load(NULL, NULL, NULL);
	s = service(0);
	print_problems();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert(s->access.only_allowed && s->access.n_rules == 4);
	ck_assert_str_eq(rule_of("10.2.3.4", NULL), "+10.0.0.0/8");
	ck_assert_str_eq(rule_of("::ffff:10.1.3.4", NULL), "-10.1.0.0/16");
	ck_assert_str_eq(rule_of("192.0.2.1", NULL), "+192.0.2.1");
	ck_assert_str_eq(rule_of("192.0.2.2", NULL), "");
	ck_assert_str_eq(rule_of("unix", NULL), "+unix:");
	ck_assert_str_eq(s->access.banner, "go\r\naway\x01\"");
	ck_assert_int_eq(s->access.per_source, 3);
	ck_assert(s->access.per_source_rate.n == 10 && s->access.per_source_rate.per_ms == 1000);
	ck_assert(s->access.rate.n == 100 && s->access.rate.per_ms == 60000);
	ck_assert(s->access.prefix4 == 24 && s->access.prefix6 == 56 && s->access.sources == 256);
	ck_assert(in(s->access.exempt, "::1") && !in(s->access.exempt, "::2"));
	ck_assert(s->access.reserve == 2 && in(s->access.reserve_for, "192.0.2.9"));
	ck_assert_int_ge(find_as(s->access.probes, "unix", &root), 0);
	ck_assert_int_eq(find_as(s->access.probes, "unix", &user), -1);
	ck_assert(s->penalty.crashes == 3 && s->penalty.refusals == 20);
	ck_assert(s->penalty.within == 30000 && s->penalty.duration == 3600000);
	ck_assert(in(s->proxy_protocol.from, "::1") && in(s->proxy_protocol.without, "127.0.0.1"));
	ck_assert_int_eq(s->proxy_protocol.timeout, 1500);
	ck_assert(s->workers.on_full == ON_FULL_REFUSE && s->on_hangup == ON_HANGUP_IGNORE);
	ck_assert_int_eq(s->on_cut, ON_CUT_CLOSE);
	ck_assert(s->timeouts.first_byte_busy == 500 && s->timeouts.send == 0);
	load("services.a.access.refusal=reset", "services.a.access.banner=", "services.a.workers.on_full=refuse");
	ck_assert(service(0)->access.refusal == REFUSAL_RESET && service(0)->access.banner == NULL);
	ck_assert_int_eq(service(0)->workers.on_full, ON_FULL_REFUSE);
}
END_TEST

START_TEST(print_round_trip)
{
	char *first, *second;

	put_all_keys();
	load(NULL, NULL, NULL);
	(void)service(0);
	first = config_printed(config);
	put("main.conf", first);
	load(NULL, NULL, NULL);
	(void)service(0);
	ck_assert_uint_eq(problems_count(problems), 0);
	second = config_printed(config);
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(strstr(first, "per_source_rate = \"10/1s\""));
	ck_assert_ptr_nonnull(strstr(first, "deny = [ \"10.1.0.0/16\" ]"));
	ck_assert_str_eq(service(0)->access.banner, "go\r\naway\x01\"");
	free(first);
	free(second);
}
END_TEST

/* One -o or two, and a part of the message that they cause. */
static const struct {
	const char *one, *two, *text; /* NULL: there is no message */
	int level;
} cases[] = {
	{"services.a.access.allow=10.1.0.0/8", NULL, "services.a.access.allow: \"10.1.0.0/8\": bits are set", LOG_ERR},
	{"services.a.access.deny=[\"::1\",\"x\"]", NULL, "services.a.access.deny: \"x\": not an address", LOG_ERR},
	{"services.a.access.allow=unix:uid=no-such-user", NULL, "there is no user \"no-such-user\"", LOG_ERR},
	{"services.a.access.allow=unix:gid=no-such-group", NULL, "there is no group \"no-such-group\"", LOG_ERR},
	{"services.a.access.allow=[\"unix:uid=root\",\"unix:gid=root\"]", NULL, NULL, 0},
	{"services.a.access.allow=", NULL, NULL, 0},
	{"services.a.access.allow=[1]", NULL, "must be a string", LOG_ERR},
	{"services.a.access.allow=[\"\"]", NULL, "the network is empty", LOG_ERR},
	{"services.a.access.allow=0.0.0.0/0", "services.a.listen=[\"[::1]:7\"]", NULL, 0},
	{"services.a.access.allow_file=one", NULL, "\"one\" must be a full path", LOG_ERR},
	{"services.a.access.allow_file=@/none", NULL, "cannot open it", LOG_ERR},
	{"services.a.access.allow_file=@/main.d", NULL, "it is a directory", LOG_ERR},
	{"services.a.access.deny_file=/dev/zero", NULL, "it is not a regular file", LOG_ERR},
	{"services.a.access.deny_file=@/empty", NULL, NULL, 0},
	{"services.a.access.allow_file=@/empty", NULL, "access.allow_file: there is no network in it: no client may",
	 LOG_WARNING},
	{"services.a.access.allow_file=@/empty", "services.a.access.allow=::1", NULL, 0},
	{"services.a.access.probes=x", NULL, "services.a.access.probes: \"x\"", LOG_ERR},
	{"services.a.access.exempt=x", NULL, "services.a.access.exempt: \"x\"", LOG_ERR},
	{"services.a.access.reserve_for=x", "services.a.access.reserve=1", "services.a.access.reserve_for: \"x\"",
	 LOG_ERR},
	{"services.a.proxy_protocol.from=x", NULL, "services.a.proxy_protocol.from: \"x\"", LOG_ERR},
	{"services.a.proxy_protocol.without=x", "services.a.proxy_protocol.from=::1",
	 "services.a.proxy_protocol.without: \"x\"", LOG_ERR},
	{"defaults.access.deny=x", NULL, "defaults.access.deny: \"x\"", LOG_ERR},
	{"services.a.access.refusal=drop", NULL, "\"drop\" is not one of close, reset", LOG_ERR},
	{"services.a.access.banner=busy", NULL, NULL, 0},
	{"services.a.access.times=[\"Mon-Fri 08:00-18:00\",\"22:00-06:00\"]", NULL, NULL, 0},
	{"services.a.access.times=", NULL, NULL, 0},
	{"services.a.access.times=[\"08:00-18:00\",\"Mo 08:00-18:00\"]", NULL,
	 "access.times: \"Mo 08:00-18:00\": no such", LOG_ERR},
	{"services.a.access.times=08:00-25:00", NULL, "HH:MM-HH:MM", LOG_ERR},
	{"services.a.access.times=[8]", NULL, "must be a string", LOG_ERR},
	{"services.a.access.max_load=8.5", NULL, NULL, 0},
	{"services.a.access.max_load=0", NULL, NULL, 0},
	{"services.a.access.max_load=unlimited", NULL, NULL, 0},
	{"services.a.access.max_load=-1", NULL, "\"-1\" is negative", LOG_ERR},
	{"services.a.access.max_load=8.555", NULL, "up to two digits", LOG_ERR},
	{"services.a.access.max_load=2000000", NULL, "2000000 is out of range: 0.01 to 1000000, or 0: no limit",
	 LOG_ERR},
	{"services.a.access.max_load=high", NULL, "\"high\" is not a number", LOG_ERR},
	{"services.a.banner=hello there", NULL, NULL, 0},
	{"services.a.banner=/etc/banner", NULL, "services.a.banner: \"/etc/banner\" is sent to clients as it stands",
	 LOG_WARNING},
	{"services.a.banner=hello", "services.a.listen=udp:127.0.0.1:7", "has no effect for datagrams", LOG_WARNING},
	{"defaults.banner=hello", "services.a.listen=udp:127.0.0.1:7", NULL, 0},
	{"services.a.access.banner=busy", "services.a.access.refusal=reset", "the reset can overtake it", LOG_WARNING},
	{"services.a.access.per_source=-1", NULL, "out of range", LOG_ERR},
	{"services.a.access.per_source=unlimited", NULL, NULL, 0},
	{"services.a.access.per_source=1", "services.a.listen=unix:@other", NULL, 0},
	{"services.a.access.per_source_rate=10", NULL, "\"10\" is not a rate", LOG_ERR},
	{"services.a.access.per_source_rate=10/2d", NULL, "out of range", LOG_ERR},
	{"services.a.access.per_source_datagrams=many", NULL, "\"many\" is not a rate", LOG_ERR},
	{"services.a.access.per_source_datagrams=10/1s", "services.a.listen=udp:127.0.0.1:7", NULL, 0},
	{"services.a.access.per_source_datagrams=10/1s", NULL, "no address is for datagrams", LOG_WARNING},
	{"defaults.access.per_source_datagrams=10/1s", NULL, NULL, 0},
	{"services.a.access.rate=0/s", NULL, "out of range", LOG_ERR},
	{"services.a.access.rate=0", NULL, NULL, 0},
	{"services.a.access.rate=unlimited", NULL, NULL, 0},
	{"services.a.access.rate=[\"1/s\"]", NULL, "must be a rate", LOG_ERR},
	{"services.a.access.prefix4=33", NULL, "out of range", LOG_ERR},
	{"services.a.access.prefix4=0", NULL, NULL, 0},
	{"services.a.access.prefix6=129", NULL, "out of range", LOG_ERR},
	{"services.a.access.prefix6=128", NULL, NULL, 0},
	{"services.a.access.sources=255", NULL, "out of range", LOG_ERR},
	{"services.a.access.sources=1048577", NULL, "out of range", LOG_ERR},
	{"services.a.access.sources=1048576", NULL, NULL, 0},
	{"services.a.access.reserve=2", NULL, "2 workers are reserved, but for no client", LOG_WARNING},
	{"services.a.access.reserve_for=::1", NULL, "changes nothing: access.reserve is 0", LOG_WARNING},
	{"defaults.access.reserve_for=::1", NULL, NULL, 0},
	{"services.a.access.reserve_for=::1", "services.a.access.reserve=63", NULL, 0},
	{"services.a.access.reserve_for=::1", "services.a.access.reserve=64", "leaves no worker for all others",
	 LOG_ERR},
	{"defaults.access.reserve=2", "services.a.workers.max=2", "services.a.workers.max: access.reserve is 2",
	 LOG_ERR},
	{"services.a.penalty.within=1min", "services.a.penalty.duration=1h", NULL, 0},
	{"services.a.penalty.within=999ms", NULL, "out of range", LOG_ERR},
	{"services.a.penalty.duration=0", NULL, "out of range", LOG_ERR},
	{"services.a.penalty.duration=31d", NULL, "out of range", LOG_ERR},
	{"services.a.penalty.crashes=1000001", NULL, "out of range", LOG_ERR},
	{"services.a.penalty.refusals=-1", NULL, "out of range", LOG_ERR},
	{"services.a.proxy_protocol.without=::1", NULL, "changes nothing: proxy_protocol.from is empty", LOG_WARNING},
	{"defaults.proxy_protocol.without=::1", NULL, NULL, 0},
	{"services.a.proxy_protocol.without=::1", "services.a.proxy_protocol.from=::2", NULL, 0},
	{"services.a.proxy_protocol.timeout=0", NULL, "out of range", LOG_ERR},
	{"services.a.proxy_protocol.timeout=2d", NULL, "out of range", LOG_ERR},
	{"services.a.workers.on_full=drop", NULL, "is not one of queue, refuse, evict", LOG_ERR},
	{"services.a.on_hangup=kill", NULL, "is not one of term, ignore", LOG_ERR},
	{"services.a.on_cut=drop", NULL, "is not one of reset, close", LOG_ERR},
	{"services.a.timeouts.send=400d", NULL, "out of range", LOG_ERR},
	{"services.a.timeouts.half_closed=400d", NULL, "out of range", LOG_ERR},
	{"services.a.timeouts.half_closed=1s", NULL, "it takes no timeouts.half_closed", LOG_ERR},
	{"defaults.timeouts.half_closed=1s", NULL, NULL, 0},
	{"services.a.timeouts.first_byte=1s", NULL, NULL, 0},
	{"services.a.timeouts.first_byte_busy=31s", NULL, "first_byte_busy is 31s, more than", LOG_WARNING},
	{"services.a.timeouts.first_byte_busy=30s", NULL, NULL, 0},
	{"services.a.timeouts.first_byte_busy=1h", "services.a.timeouts.first_byte=0", NULL, 0},
	{"services.a.acces.allow=::1", NULL, "did you mean services.a.access.allow", LOG_ERR},
};

START_TEST(good_and_bad)
{
	load(cases[_i].one, cases[_i].two, NULL);
	print_problems();
	ck_assert_msg((config == NULL) == (cases[_i].level == LOG_ERR), "%s", cases[_i].one);
	ck_assert_msg(problems_count(problems) == (cases[_i].text != NULL), "%s", cases[_i].one);
	if (cases[_i].text != NULL) {
		ck_assert_msg(says(cases[_i].text), "%s: nothing says: %s", cases[_i].one, cases[_i].text);
		ck_assert_int_eq(problems_get(problems, 0)->level, cases[_i].level);
	}
}
END_TEST

START_TEST(evict_and_reserve)
{
	load("services.a.access.reserve=2", "services.a.access.reserve_for=::1", "services.a.workers.on_full=refuse");
	ck_assert_uint_eq(problems_count(problems), 0);
	load("services.a.access.reserve=2", "services.a.access.reserve_for=::1", "services.a.workers.on_full=evict");
	ck_assert_ptr_nonnull(config);
	ck_assert_uint_eq(problems_count(problems), 1);
	ck_assert(says("makes room for access.reserve_for only"));
}
END_TEST

/* A list of a service replaces the list of the same key in defaults. */
START_TEST(defaults_apply)
{
	put("main.conf", "defaults: { access: { allow = \"10.0.0.0/8\"; deny = \"10.1.0.0/16\"; per_source = 7; };\n"
			 "  proxy_protocol: { from = \"::1\"; }; };\n"
			 "services: { a: { handler = \"echo\"; listen = \"unix:@a\"; };\n"
			 "b: { handler = \"echo\"; listen = \"unix:@b\"; access: { allow = \"10.1.2.3\"; }; };\n"
			 "c: { handler = \"echo\"; listen = \"unix:@c\"; access: { allow = []; deny = \"\"; };\n"
			 "  proxy_protocol: { from = \"\"; }; }; };\n");
	load(NULL, NULL, NULL);
	(void)service(0);
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_str_eq(rule_of("10.2.0.0", NULL), "+10.0.0.0/8");
	ck_assert_str_eq(rule_of("10.1.2.3", NULL), "-10.1.0.0/16");
	ck_assert(service(1)->access.n_rules == 2 && service(1)->access.only_allowed);
	ck_assert(service(1)->access.per_source == 7 && in(service(1)->proxy_protocol.from, "::1"));
	ck_assert_int_eq(find_as(service(1)->access.rules, "10.1.2.3", NULL), 0);
	ck_assert_int_eq(find_as(service(1)->access.rules, "10.2.0.0", NULL), -1);
	ck_assert(service(2)->access.n_rules == 0 && !service(2)->access.only_allowed);
	ck_assert_ptr_null(service(2)->proxy_protocol.from);
}
END_TEST

/* As a file has it: numbers without quotes, and the line of each range. */
START_TEST(times_and_load)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"unix:@a\"; access: { max_load = 8.25;\n"
			 "  times = [ \"Sat,Sun 10:00-12:00\",\n"
			 "    \"22:00-06:00\" ]; }; };\n"
			 "b: { handler = \"echo\"; listen = \"unix:@b\"; access: { max_load = 12; }; }; };\n");
	load(NULL, NULL, NULL);
	ck_assert_int_eq(service(0)->access.max_load, 825);
	ck_assert_int_eq(service(1)->access.max_load, 1200);
	ck_assert(service(0)->access.n_times == 2 && service(1)->access.n_times == 0);
	ck_assert_uint_eq(service(0)->access.times[0].days, 1U | 1U << 6);
	ck_assert_int_eq(service(0)->access.times[1].from, 22 * 60);
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"unix:@a\"; access: { max_load = 8.125;\n"
			 "  times = [ \"Sat,Sun 10:00-12:00\",\n"
			 "    \"22:00\" ]; }; }; };\n");
	load(NULL, NULL, NULL);
	ck_assert(config == NULL && says("main.conf:3: services.a.access.times: \"22:00\": a time is written"));
	ck_assert(says("main.conf:1: services.a.access.max_load: up to two digits"));
}
END_TEST

/* Mistakes in defaults are reported once, not for each service. */
START_TEST(said_once)
{
	put("main.conf",
	    "defaults: { access: { deny = \"x\"; banner = \"b\"; refusal = \"reset\"; deny_file = \"/no/such\"; };\n"
	    "  };\n"
	    "services: { a: { handler = \"echo\"; listen = \"unix:@a\"; };\n"
	    "b: { handler = \"echo\"; listen = \"unix:@b\"; access: { allow = \"::1\"; }; }; };\n");
	load(NULL, NULL, NULL);
	print_problems();
	ck_assert_uint_eq(count(LOG_ERR), 2);
	ck_assert_uint_eq(count(LOG_WARNING), 1);
}
END_TEST

/* Names and files of a configuration for another host may be absent here. */
START_TEST(for_another_host)
{
	portable = true;
	load("services.a.access.allow=[\"unix:uid=no-such-user\",\"unix:gid=no-such-group\"]",
	     "services.a.access.allow_file=/no/such/list", NULL);
	(void)service(0);
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert(service(0)->access.only_allowed);
	load("services.a.access.deny_file=no/such/list", NULL, NULL);
	ck_assert(config == NULL && says("must be a full path"));
	load("services.a.access.deny=10.0.0.0/99", NULL, NULL);
	ck_assert(config == NULL && says("more bits"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_access");
	TCase *tc = tcase_create("config_access");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, presets);
	tcase_add_test(tc, values);
	tcase_add_test(tc, print_round_trip);
	tcase_add_loop_test(tc, good_and_bad, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, evict_and_reserve);
	tcase_add_test(tc, defaults_apply);
	tcase_add_test(tc, times_and_load);
	tcase_add_test(tc, said_once);
	tcase_add_test(tc, for_another_host);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
