/* SPDX-License-Identifier: MIT */
/* The order and the times of attempts, with addresses from a made-up resolver and a clock that we set. */
#include "net/race.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/addr.h"

#include "../suite.h"

#define MAX 16

static struct sockaddr_any targets[MAX];
static size_t n_targets;

/* The resolver: addresses with blanks between them, in its own order. */
static void resolve(const char *answer)
{
	char text[256];
	char *word, *rest = text;

	(void)snprintf(text, sizeof(text), "%s", answer);
	n_targets = 0;
	while ((word = strsep(&rest, " ")) != NULL) {
		struct sockaddr_any *to = &targets[n_targets++];

		memset(to, 0, sizeof(*to));
		if (strchr(word, ':') != NULL) {
			to->len = sizeof(to->in6);
			to->in6.sin6_family = AF_INET6;
			ck_assert_int_eq(inet_pton(AF_INET6, word, &to->in6.sin6_addr), 1);
		} else {
			to->len = sizeof(to->in);
			to->in.sin_family = AF_INET;
			ck_assert_int_eq(inet_pton(AF_INET, word, &to->in.sin_addr), 1);
		}
	}
}

static void expect_order(const char *answer, const char *order)
{
	char got[512] = "", host[ADDR_TEXT_MAX];

	resolve(answer);
	race_order(targets, n_targets);
	for (size_t i = 0; i < n_targets; i++) {
		size_t used = strlen(got);

		(void)snprintf(got + used, sizeof(got) - used, "%s%s", i == 0 ? "" : " ",
			       addr_format_host(&targets[i], host, sizeof(host)));
	}
	ck_assert_str_eq(got, order);
}

START_TEST(families_take_turns)
{
	expect_order("192.0.2.1", "192.0.2.1");
	expect_order("2001:db8::1", "2001:db8::1");
	expect_order("192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1"); /* the resolver prefers IPv4 */
	expect_order("2001:db8::1 192.0.2.1", "2001:db8::1 192.0.2.1");
	expect_order("192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2", "192.0.2.1 2001:db8::1 192.0.2.2 2001:db8::2");
	expect_order("2001:db8::3 2001:db8::1 2001:db8::2 192.0.2.9", "2001:db8::3 192.0.2.9 2001:db8::1 2001:db8::2");
	expect_order("192.0.2.3 192.0.2.1 192.0.2.2 2001:db8::9", "192.0.2.3 2001:db8::9 192.0.2.1 192.0.2.2");
	expect_order("192.0.2.3 192.0.2.1", "192.0.2.3 192.0.2.1");
}
END_TEST

/* INDEX is started at NOW, and no other. */
static void expect_start(struct race *race, int64_t now, size_t index)
{
	size_t got = MAX;

	ck_assert_msg(race_next(race, now, &got), "nothing is started at %lld", (long long)now);
	ck_assert_uint_eq(got, index);
	ck_assert(!race_next(race, now, &got));
}

static void expect_none(struct race *race, int64_t now)
{
	size_t got;

	ck_assert_msg(!race_next(race, now, &got), "%zu is started at %lld", got, (long long)now);
}

START_TEST(silence_costs_250_ms_each)
{
	struct race race;

	race_init(&race, 4, 0, 1000);
	expect_start(&race, 1000, 0);
	ck_assert_int_eq(race_wait(&race, 1000), 250);
	expect_none(&race, 1249);
	ck_assert_int_eq(race_wait(&race, 1249), 1);
	expect_start(&race, 1250, 1);
	expect_none(&race, 1499);
	expect_start(&race, 1510, 2); /* we were late: the next is late, too */
	ck_assert_int_eq(race_wait(&race, 1510), 250);
	expect_none(&race, 1759);
	expect_start(&race, 1760, 3);
	ck_assert_int_eq(race_wait(&race, 1760), -1);
	expect_none(&race, 9999);
	ck_assert(!race_lost(&race));
}
END_TEST

START_TEST(failure_costs_nothing)
{
	struct race race;

	race_init(&race, 3, 0, 1000);
	expect_start(&race, 1000, 0);
	race_failed(&race, 1007);
	ck_assert_int_eq(race_wait(&race, 1007), 0);
	expect_start(&race, 1007, 1);
	ck_assert_int_eq(race_wait(&race, 1007), 250);
	/* The second is still under way when the third begins. */
	expect_start(&race, 1257, 2);
	race_failed(&race, 1300);
	ck_assert(!race_lost(&race));
	race_failed(&race, 1301);
	ck_assert(race_lost(&race));
}
END_TEST

/* Every target is tried before the limit passes. */
START_TEST(a_short_limit_is_shared)
{
	struct race race;

	race_init(&race, 4, 400, 1000);
	expect_start(&race, 1000, 0);
	ck_assert_int_eq(race_wait(&race, 1000), 100);
	expect_none(&race, 1099);
	expect_start(&race, 1100, 1);
	race_init(&race, 4, 60000, 1000);
	expect_start(&race, 1000, 0);
	ck_assert_int_eq(race_wait(&race, 1000), 250);
}
END_TEST

START_TEST(only_one)
{
	struct race race;

	race_init(&race, 1, 0, 5);
	expect_start(&race, 5, 0);
	ck_assert_int_eq(race_wait(&race, 5), -1);
	race_failed(&race, 6);
	ck_assert(race_lost(&race));
}
END_TEST

int main(void)
{
	return SUITE_RUN("race", NULL, families_take_turns, silence_costs_250_ms_each, failure_costs_nothing,
			 a_short_limit_is_shared, only_one);
}
