/* SPDX-License-Identifier: MIT */
/* Whether anybody accepts: judged by made up looks, and by looks at real queues. */
#include "net/listen_waiting.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"

#include "../suite.h"

#define MOST 8

/* ---- made up looks; for TCP the ids are sorted ---- */

struct made_up {
	uint64_t ids[MOST];
	size_t n;
	bool served;
};

static const struct {
	bool in_order;
	struct made_up before, after;
	enum listen_taking taking;
} cases[] = {
	{false, {{3, 5, 9}, 3, false}, {{3, 5, 9}, 3, false}, TAKING_NONE},
	{false, {{3, 5, 9}, 3, false}, {{1, 3, 4, 5, 9}, 5, false}, TAKING_NONE},
	{false, {{3, 5, 9}, 3, false}, {{3, 9, 12}, 3, false}, TAKING_UNKNOWN}, /* one accepted, or reset */
	{false, {{3, 5, 9}, 3, false}, {{11, 12, 13}, 3, false}, TAKING_SOME},
	{false, {{3, 5, 9}, 3, false}, {{0}, 0, false}, TAKING_SOME},
	{false, {{0}, 0, false}, {{3, 5, 9}, 3, false}, TAKING_UNKNOWN},   /* the first look */
	{false, {{3, 5, 9}, 3, false}, {{3, 5, 9}, 3, true}, TAKING_SOME}, /* busy */
	{false, {{3, 5, 9}, 3, true}, {{3, 5, 9}, 3, false}, TAKING_UNKNOWN},
	{true, {{9, 3, 5}, 3, false}, {{9, 3, 5, 7}, 4, false}, TAKING_NONE},
	{true, {{9, 3, 5}, 3, false}, {{0, 0, 5}, 3, false}, TAKING_NONE}, /* two have given up, and stay queued */
	{true, {{9, 3, 5}, 3, false}, {{3, 5, 7}, 3, false}, TAKING_SOME},
	{true, {{9, 3, 5}, 3, false}, {{5, 7, 8, 10}, 4, false}, TAKING_SOME},
	{true, {{0, 0, 5}, 3, false}, {{0, 5, 7}, 3, false}, TAKING_SOME},
	{true, {{9, 3, 5}, 3, false}, {{7, 8}, 2, false}, TAKING_SOME},
	{true, {{9, 3}, 2, false}, {{0, 0, 7}, 3, false}, TAKING_UNKNOWN}, /* given up, or accepted */
	{true, {{0}, 0, false}, {{9, 3}, 2, false}, TAKING_UNKNOWN},
	{true, {{9, 3}, 2, false}, {{9, 3}, 2, true}, TAKING_SOME},
};

static struct listen_waiting look_of(const struct made_up *made_up, bool in_order, uint64_t *ids)
{
	memcpy(ids, made_up->ids, sizeof(made_up->ids));
	return (struct listen_waiting){
		.ids = made_up->n > 0 ? ids : NULL,
		.n = made_up->n,
		.in_order = in_order,
		.served = made_up->served,
	};
}

START_TEST(two_looks_are_judged)
{
	uint64_t ids[2][MOST];
	const struct listen_waiting before = look_of(&cases[_i].before, cases[_i].in_order, ids[0]);
	const struct listen_waiting after = look_of(&cases[_i].after, cases[_i].in_order, ids[1]);

	ck_assert_int_eq(listen_waiting_compare(&before, &after), cases[_i].taking);
}
END_TEST

/* ---- real queues ---- */

static const char *const addresses[] = {"127.0.0.1", "0.0.0.0", "[::1]", "*", "@check_listen_waiting"};

static struct sockaddr_any where;

/* Listens, and leaves in `where` how clients get there; -1: this host has no such address. */
static int open_listener(const char *host)
{
	struct addr parsed;
	char text[64];
	int fd;

	(void)snprintf(text, sizeof(text), host[0] == '@' ? "unix:%s.%d" : "%s:0", host, (int)getpid());
	ck_assert_int_eq(addr_parse(text, &parsed, NULL), 0);
	ck_assert_int_eq(addr_resolve(&parsed, &where, 1, NULL), 1);
	fd = socket(where.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, &where.sa, where.len) < 0) {
		printf("# cannot bind %s\n", text);
		return -1;
	}
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(getsockname(fd, &where.sa, &where.len), 0);
	return fd;
}

static int dial(void)
{
	int fd = socket(where.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &where.sa, where.len), 0);
	return fd;
}

static struct listen_waiting look_at(int fd)
{
	struct listen_waiting out;

	ck_assert_int_eq(listen_waiting_look(fd, &out), 0);
	return out;
}

START_TEST(nobody_accepts)
{
	int fd = open_listener(addresses[_i]), gone;
	struct listen_waiting before, after;

	if (fd < 0)
		return;
	gone = dial();
	for (int i = 0; i < 70; i++)
		(void)dial();
	before = look_at(fd);
	ck_assert_uint_eq(before.n, 71);
	ck_assert(!before.served);
	ck_assert_int_eq(close(gone), 0);
	(void)dial();
	after = look_at(fd);
	ck_assert_uint_eq(after.n, 72);
	ck_assert_int_eq(listen_waiting_compare(&before, &after), TAKING_NONE);
	listen_waiting_free(&before);
	listen_waiting_free(&after);
}
END_TEST

START_TEST(one_is_accepted_and_another_comes)
{
	int fd = open_listener(addresses[_i]), accepted;
	struct listen_waiting before, after;

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		(void)dial();
	before = look_at(fd);
	accepted = accept(fd, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	(void)dial();
	after = look_at(fd);
	ck_assert_uint_eq(after.n, 3);
	ck_assert(after.served);
	listen_waiting_free(&after);
	ck_assert_int_eq(close(accepted), 0);
	after = look_at(fd);
	ck_assert(!after.served);
	ck_assert_int_ne(listen_waiting_compare(&before, &after), TAKING_NONE);
	listen_waiting_free(&before);
	listen_waiting_free(&after);
}
END_TEST

START_TEST(connections_of_others_do_not_count)
{
	struct sockaddr_any other;
	struct listen_waiting seen;
	int fd = open_listener("127.0.0.1"), beside;

	other = where;
	other.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	beside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(beside, &other.sa, other.len), 0);
	ck_assert_int_eq(listen(beside, 10), 0);
	(void)dial();
	where = other;
	(void)dial();
	(void)dial();
	ck_assert_int_ge(accept(beside, NULL, NULL), 0);
	seen = look_at(fd);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert(!seen.served);
	listen_waiting_free(&seen);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listen_waiting");
	TCase *tcase = tcase_create("listen_waiting");

	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, two_looks_are_judged, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, nobody_accepts, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_loop_test(tcase, one_is_accepted_and_another_comes, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(tcase, connections_of_others_do_not_count);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
