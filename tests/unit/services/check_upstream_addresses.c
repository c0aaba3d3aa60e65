/* SPDX-License-Identifier: MIT */
/* The addresses of one upstream: their order, and the rests of those that do not answer. */
#include "services/upstream_addresses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"

#include "../suite.h"

#define PAUSE_MS 60000

static struct config_upstreams config;
static struct addr name;
static struct targets targets;
static struct upstream upstream;
static struct upstream_addresses found;

static struct sockaddr_any address(const char *text)
{
	struct sockaddr_any out;
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr, NULL), 0);
	ck_assert_int_eq(addr_resolve(&addr, &out, 1, NULL), 1);
	return out;
}

/* The resolver has answered: addresses with blanks between them. */
static void resolve(const char *answer)
{
	struct sockaddr_any list[TARGET_ADDRESSES];
	char text[256], *word, *rest = text;
	size_t n = 0;

	(void)snprintf(text, sizeof(text), "%s", answer);
	while ((word = strsep(&rest, " ")) != NULL)
		list[n++] = address(word);
	target_set_addresses(upstream.target, list, n);
	upstream.target->fresh_until_ms = clock_ms() + 60000;
}

static void setup(void)
{
	struct err err;

	log_set_level(LOG_EMERG);
	config = (struct config_upstreams){.connect_timeout = 1000, .resolve = 60000, .pause = PAUSE_MS};
	ck_assert_int_eq(addr_parse("name.invalid:4", &name, &err), 0);
	ck_assert_int_eq(targets_map(&targets, targets_create(1, &err), 1, &err), 0);
	upstream = (struct upstream){.config = &config, .addr = &name, .target = &targets.target[0]};
	resolve("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
}

/* The order of the attempts of the next connection. */
static void expect(const char *order)
{
	char got[256] = "", text[ADDR_TEXT_MAX];
	struct err err;

	ck_assert_int_eq(upstream_addresses_get(&upstream, -1, &found, &err), 0);
	for (size_t i = 0; i < found.n; i++) {
		size_t used = strlen(got);

		(void)snprintf(got + used, sizeof(got) - used, "%s%s", i == 0 ? "" : " ",
			       addr_format(&found.at[i], text, sizeof(text)));
	}
	ck_assert_str_eq(got, order);
}

/* The pause of the address in slot I is over. */
static void pass_time(size_t i)
{
	ck_assert_int_ne(upstream.target->address_until_ms[i], 0);
	upstream.target->address_until_ms[i] = clock_ms() - 1;
}

START_TEST(one_that_failed_is_tried_last)
{
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	expect("192.0.2.2:4 192.0.2.3:4 192.0.2.1:4");
	ck_assert_int_ge(upstream.target->address_until_ms[0], clock_ms() + PAUSE_MS - 5000);
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	expect("192.0.2.3:4 192.0.2.1:4 192.0.2.2:4");
	upstream_addresses_works(&upstream, &found, 1);
	expect("192.0.2.1:4 192.0.2.3:4 192.0.2.2:4");
}
END_TEST

START_TEST(one_connection_tries_it_after_the_pause)
{
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	pass_time(0);
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	{
		struct upstream_addresses first = found;

		expect("192.0.2.2:4 192.0.2.3:4 192.0.2.1:4");
		upstream_addresses_works(&upstream, &first, 0);
	}
	ck_assert_int_eq(upstream.target->address_until_ms[0], 0);
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
}
END_TEST

/* The first one answers, so nobody would use the claim. */
START_TEST(behind_one_that_works_it_is_not_claimed)
{
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 1, "for a test");
	expect("192.0.2.1:4 192.0.2.3:4 192.0.2.2:4");
	pass_time(1);
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
}
END_TEST

START_TEST(rests_follow_their_addresses)
{
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	resolve("192.0.2.9:4 192.0.2.3:4 192.0.2.1:4 192.0.2.8:4");
	expect("192.0.2.9:4 192.0.2.3:4 192.0.2.8:4 192.0.2.1:4");
	resolve("192.0.2.9:4 192.0.2.3:4");
	resolve("192.0.2.1:4 192.0.2.3:4");
	expect("192.0.2.1:4 192.0.2.3:4"); /* it was gone meanwhile: nothing is known of it any more */
}
END_TEST

START_TEST(a_report_of_another_time_changes_nothing)
{
	struct upstream_addresses before;

	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	before = found;
	resolve("192.0.2.5:4 192.0.2.2:4");
	upstream_addresses_failed(&upstream, &before, 0, "for a test");
	expect("192.0.2.5:4 192.0.2.2:4");
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	before = found;
	pass_time(0);
	expect("192.0.2.5:4 192.0.2.2:4"); /* claimed */
	upstream_addresses_failed(&upstream, &before, 0, "for a test");
	ck_assert_int_lt(upstream.target->address_until_ms[0], clock_ms() + 5000);
}
END_TEST

START_TEST(nonsense_is_not_believed)
{
	upstream.target->address_until_ms[0] = INT64_MAX;
	upstream.target->address_until_ms[1] = INT64_MIN;
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream.target->address_until_ms[0] = 0;
	upstream.target->address[1][2] = 77; /* an unknown family */
	expect("192.0.2.1:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 1, "for a test");
	expect("192.0.2.1:4 192.0.2.3:4");
	ck_assert_int_gt(upstream.target->address_until_ms[2], clock_ms());
}
END_TEST

START_TEST(families_take_turns)
{
	resolve("[2001:db8::1]:4 [2001:db8::2]:4 192.0.2.1:4");
	expect("[2001:db8::1]:4 192.0.2.1:4 [2001:db8::2]:4");
	upstream_addresses_failed(&upstream, &found, 0, "for a test");
	expect("192.0.2.1:4 [2001:db8::2]:4 [2001:db8::1]:4");
}
END_TEST

START_TEST(only_those_that_fit_the_source_address)
{
	struct err err;

	config.bind = address("192.0.2.77:0");
	resolve("[2001:db8::1]:4 192.0.2.1:4");
	expect("192.0.2.1:4");
	resolve("[2001:db8::1]:4");
	ck_assert_int_eq(upstream_addresses_get(&upstream, -1, &found, &err), -1);
	ck_assert_str_eq(err.text, strerror(EAFNOSUPPORT));
}
END_TEST

START_TEST(a_copy_has_the_rests)
{
	struct targets copy;
	struct err err;

	ck_assert_int_eq(targets_map(&copy, targets_create(1, &err), 1, &err), 0);
	expect("192.0.2.1:4 192.0.2.2:4 192.0.2.3:4");
	upstream_addresses_failed(&upstream, &found, 1, "for a test");
	target_copy(&copy.target[0], upstream.target);
	upstream.target = &copy.target[0];
	expect("192.0.2.1:4 192.0.2.3:4 192.0.2.2:4");
}
END_TEST

int main(void)
{
	return SUITE_RUN("upstream_addresses", setup, one_that_failed_is_tried_last,
			 one_connection_tries_it_after_the_pause, behind_one_that_works_it_is_not_claimed,
			 rests_follow_their_addresses, a_report_of_another_time_changes_nothing,
			 nonsense_is_not_believed, families_take_turns, only_those_that_fit_the_source_address,
			 a_copy_has_the_rests);
}
