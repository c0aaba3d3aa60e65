/* SPDX-License-Identifier: MIT */
/* A load run tells servers that do right from servers that do wrong. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"

#include "../../../client/load_content.h"
#include "../../../client/load_plan.h"
#include "../../../client/load_run.h"
#include "../../../client/load_stats.h"

#include "../suite.h"

static struct sockaddr_any address;
static struct load_stats stats;
static int listener = -1;

static void setup(void)
{
	address.len = sizeof(address.in);
	address.in.sin_family = AF_INET;
	address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, &address.sa, address.len), 0);
	ck_assert_int_eq(listen(listener, 100), 0);
	ck_assert_int_eq(getsockname(listener, &address.sa, &address.len), 0);
}

/* One process that gives every connection to SERVE. Check ends it with the test's group. */
static void serve_with(void (*serve)(int fd))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		serve(fd);
		(void)close(fd);
	}
}

/* Reads up to SIZE bytes, until they are there or the peer has finished. */
static size_t take(int fd, char *buf, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size && (n = read(fd, buf + got, size - got)) > 0)
		got += (size_t)n;
	return got;
}

static void give(int fd, const char *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size && (n = send(fd, buf + done, size - done, MSG_NOSIGNAL)) > 0)
		done += (size_t)n;
}

static void reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void do_echo(int fd)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		give(fd, buf, (size_t)n);
}

static void do_flip_last(int fd)
{
	char buf[64];

	if (take(fd, buf, sizeof(buf)) != sizeof(buf))
		return;
	buf[63] ^= 1;
	give(fd, buf, sizeof(buf));
	(void)take(fd, buf, 1);
}

static void do_say_more(int fd)
{
	char buf[65];

	if (take(fd, buf, 64) != 64)
		return;
	buf[64] = '!';
	give(fd, buf, sizeof(buf));
	(void)take(fd, buf, 1);
}

static void do_half(int fd)
{
	char buf[64];

	if (take(fd, buf, sizeof(buf)) == sizeof(buf))
		give(fd, buf, 32);
}

static void do_reset(int fd)
{
	char buf[64];

	(void)take(fd, buf, sizeof(buf));
	reset(fd);
}

static void do_half_and_reset(int fd)
{
	char buf[64];

	if (take(fd, buf, sizeof(buf)) != sizeof(buf))
		return;
	give(fd, buf, 32);
	reset(fd);
}

static void do_nothing(int fd)
{
	char buf[1];

	while (read(fd, buf, 1) > 0)
		;
}

static void do_half_once(int fd)
{
	static bool served;

	if (served)
		do_nothing(fd);
	else
		do_half(fd);
	served = true;
}

/* The whole request is read to its end before the first byte of the answer. */
static void do_answer_at_end(int fd)
{
	static char buf[100000];
	size_t n = take(fd, buf, sizeof(buf));
	char text[32];

	give(fd, text, (size_t)snprintf(text, sizeof(text), "%zu bytes\n", n));
}

static struct load_plan plan_for(uint64_t total)
{
	return (struct load_plan){
		.clients = 1, .threads = 1, .total = total, .request_size = 64, .timeout_ns = UINT64_C(10000000000)};
}

static void run(struct load_plan *plan)
{
	struct err err;
	char text[ADDR_TEXT_MAX];

	ck_assert_int_eq(addr_parse(addr_format(&address, text, sizeof(text)), &plan->addr, &err), 0);
	ck_assert_int_eq(load_plan_prepare(plan, &err), 0);
	load_stats_init(&stats);
	ck_assert_msg(load_run(plan, &stats, &err) == 0, "%s", err.text);
	load_plan_free(plan);
}

/* COUNT exchanges ended with OUTCOME, and none otherwise. */
static void expect_only(enum load_outcome outcome, uint64_t count)
{
	for (int i = 0; i < LOAD_OUTCOMES; i++)
		ck_assert_msg(stats.outcomes[i] == (i == (int)outcome ? count : 0), "%s: %llu",
			      load_outcome_name((enum load_outcome)i), (unsigned long long)stats.outcomes[i]);
	ck_assert_uint_eq(load_stats_lost(&stats), outcome == LOAD_OK ? 0 : count);
	ck_assert_uint_eq(stats.latency.count, outcome == LOAD_OK ? count : 0);
}

START_TEST(echo_is_ok)
{
	struct load_plan plan = plan_for(500);

	plan.clients = 7;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 500);
	ck_assert_uint_eq(stats.connections, 500);
	ck_assert_uint_eq(stats.bytes_in, 500 * 64);
	ck_assert_uint_eq(stats.bytes_out, 500 * 64);
}
END_TEST

START_TEST(large_echo_is_ok)
{
	struct load_plan plan = plan_for(5);

	plan.request_size = 20000000;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 5);
}
END_TEST

START_TEST(kept_connection_is_one)
{
	struct load_plan plan = plan_for(300);

	plan.keep = true;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 300);
	ck_assert_uint_eq(stats.connections, 1);
}
END_TEST

START_TEST(sources_are_spread)
{
	struct load_plan plan = plan_for(100);

	plan.sources = 3;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 100);
}
END_TEST

START_TEST(wrong_byte_is_wrong)
{
	struct load_plan plan = plan_for(3);

	serve_with(do_flip_last);
	run(&plan);
	expect_only(LOAD_WRONG, 3);
}
END_TEST

START_TEST(more_than_asked_is_wrong)
{
	struct load_plan plan = plan_for(3);

	serve_with(do_say_more);
	run(&plan);
	expect_only(LOAD_WRONG, 3);
}
END_TEST

START_TEST(early_end_is_short)
{
	struct load_plan plan = plan_for(3);

	serve_with(do_half);
	run(&plan);
	expect_only(LOAD_SHORT, 3);
}
END_TEST

START_TEST(reset_is_reset)
{
	struct load_plan plan = plan_for(3);

	serve_with(do_reset);
	run(&plan);
	expect_only(LOAD_RESET, 3);
}
END_TEST

START_TEST(reset_in_the_middle_is_cut)
{
	struct load_plan plan = plan_for(3);

	serve_with(do_half_and_reset);
	run(&plan);
	expect_only(LOAD_CUT, 3);
}
END_TEST

START_TEST(silence_is_timeout)
{
	struct load_plan plan = plan_for(3);

	plan.clients = 3;
	plan.timeout_ns = 50000000;
	serve_with(do_nothing);
	run(&plan);
	expect_only(LOAD_TIMEOUT, 3);
	ck_assert_uint_ge(stats.elapsed_ns, plan.timeout_ns);
}
END_TEST

START_TEST(nobody_there_is_refused)
{
	struct load_plan plan = plan_for(3);

	(void)close(listener);
	run(&plan);
	expect_only(LOAD_REFUSED, 3);
}
END_TEST

START_TEST(eof_takes_all)
{
	struct load_plan plan = plan_for(3);

	plan.reply = LOAD_REPLY_EOF;
	plan.request_size = 70000;
	serve_with(do_answer_at_end);
	run(&plan);
	expect_only(LOAD_OK, 3);
	ck_assert_uint_eq(stats.bytes_in, 3 * strlen("70000 bytes\n"));
}
END_TEST

START_TEST(bytes_are_counted)
{
	struct load_plan plan = plan_for(3);

	plan.reply = LOAD_REPLY_BYTES;
	plan.reply_size = 32;
	serve_with(do_half);
	run(&plan);
	expect_only(LOAD_OK, 3);

	plan = plan_for(3);
	plan.reply = LOAD_REPLY_BYTES;
	plan.reply_size = 33;
	run(&plan);
	expect_only(LOAD_SHORT, 3);
}
END_TEST

/* The second client is behind the first, which is held: both cannot be answered. */
START_TEST(hold_holds)
{
	struct load_plan plan = plan_for(2);

	plan.hold = true;
	plan.clients = 2;
	plan.timeout_ns = 100000000;
	serve_with(do_echo);
	run(&plan);
	ck_assert_uint_eq(stats.outcomes[LOAD_OK], 1);
	ck_assert_uint_eq(stats.outcomes[LOAD_TIMEOUT], 1);
	ck_assert_uint_lt(stats.last_answer_ns, stats.elapsed_ns);
}
END_TEST

/* The first is answered and dropped at once, the second is never answered. */
START_TEST(held_and_dropped_is_cut)
{
	struct load_plan plan = plan_for(2);

	plan.hold = true;
	plan.clients = 2;
	plan.reply = LOAD_REPLY_BYTES;
	plan.reply_size = 32;
	plan.timeout_ns = 200000000;
	serve_with(do_half_once);
	run(&plan);
	ck_assert_uint_eq(stats.outcomes[LOAD_CUT], 1);
	ck_assert_uint_eq(stats.outcomes[LOAD_TIMEOUT], 1);
	ck_assert_uint_eq(stats.outcomes[LOAD_OK], 0);
}
END_TEST

START_TEST(threads_share_the_work)
{
	struct load_plan plan = plan_for(101);

	plan.clients = 7;
	plan.threads = 3;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 101);
	ck_assert_uint_eq(stats.connections, 101);
	ck_assert_uint_eq(stats.bytes_in, 101 * 64);
}
END_TEST

START_TEST(failure_of_one_thread_ends_all)
{
	struct load_plan plan = plan_for(0);
	struct err err;
	char text[ADDR_TEXT_MAX];

	plan.clients = 3;
	plan.threads = 3;
	plan.duration_ns = UINT64_C(100000000000);
	serve_with(do_nothing);
	ck_assert_int_eq(addr_parse(addr_format(&address, text, sizeof(text)), &plan.addr, &err), 0);
	ck_assert_int_eq(load_plan_prepare(&plan, &err), 0);
	plan.target.sa.sa_family = AF_INET6; /* too short for that */
	plan.target.len = sizeof(plan.target.in6);
	plan.target.in6.sin6_addr = in6addr_loopback;
	plan.sources = 1;
	load_stats_init(&stats);
	ck_assert_int_eq(load_run(&plan, &stats, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "source address"));
	load_plan_free(&plan);
}
END_TEST

START_TEST(rate_is_kept)
{
	struct load_plan plan = plan_for(100);

	plan.clients = 4;
	plan.threads = 2;
	plan.rate = 200;
	serve_with(do_echo);
	run(&plan);
	expect_only(LOAD_OK, 100);
	ck_assert_uint_ge(stats.elapsed_ns, 490000000);
}
END_TEST

/* Takes 200 ms for the first client, and no time for the others. */
static void do_stall_once(int fd)
{
	static bool stalled;

	if (!stalled)
		(void)usleep(200000);
	stalled = true;
	do_echo(fd);
}

/* Ten exchanges, one each 10 ms, on one connection: the stall of the first is the wait of all. */
START_TEST(stall_is_not_hidden)
{
	struct load_plan plan = plan_for(10);

	plan.rate = 100;
	plan.keep = true;
	serve_with(do_stall_once);
	run(&plan);
	expect_only(LOAD_OK, 10);
	ck_assert_uint_ge(histogram_percentile(&stats.latency, 50), 100000000);
	ck_assert_uint_ge(stats.latency.min, 90000000);
}
END_TEST

START_TEST(without_a_client_it_is_unsent)
{
	struct load_plan plan = plan_for(0);

	plan.rate = 100;
	plan.duration_ns = 100000000;
	plan.timeout_ns = 300000000;
	serve_with(do_nothing);
	run(&plan);
	ck_assert_uint_eq(stats.outcomes[LOAD_TIMEOUT], 1);
	ck_assert_uint_eq(stats.outcomes[LOAD_UNSENT], 9);
	ck_assert_uint_eq(load_stats_lost(&stats), 10);
}
END_TEST

START_TEST(own_request_is_sent)
{
	struct load_plan plan = plan_for(3);
	struct err err;

	plan.content = load_content_unescape("twelve bytes", &plan.request_size, &err);
	plan.fixed = true;
	plan.reply = LOAD_REPLY_EOF;
	serve_with(do_answer_at_end);
	run(&plan);
	expect_only(LOAD_OK, 3);
	ck_assert_uint_eq(stats.bytes_out, 36);
	ck_assert_uint_eq(stats.bytes_in, 3 * strlen("12 bytes\n"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("load_run", setup, echo_is_ok, large_echo_is_ok, kept_connection_is_one, sources_are_spread,
			 wrong_byte_is_wrong, more_than_asked_is_wrong, early_end_is_short, reset_is_reset,
			 reset_in_the_middle_is_cut, silence_is_timeout, nobody_there_is_refused, eof_takes_all,
			 bytes_are_counted, hold_holds, held_and_dropped_is_cut, threads_share_the_work,
			 failure_of_one_thread_ends_all, rate_is_kept, stall_is_not_hidden,
			 without_a_client_it_is_unsent, own_request_is_sent);
}
