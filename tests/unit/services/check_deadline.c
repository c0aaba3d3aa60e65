/* SPDX-License-Identifier: MIT */
/* Each limit by itself, on connections that move, stand still, or move slowly. Only the test reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "services/deadline.h"
#include "services/deadline_look.h"

#include "../suite.h"

#define QUIET 10000 /* a limit that is not reached */
#define TICK  20    /* twice the tick of the kernel's clock */

static struct deadline_limits limits;
static _Atomic uint32_t greeted;
static _Atomic int64_t silent_since;
static bool all_busy;
static int near_end = -1, far_end = -1; /* ours and the client's */
static char buf[65536];

static bool is_saturated(void)
{
	return all_busy;
}

static void setup(void)
{
	signals_harmless();
	deadline_init(true);
	deadline_saturated(is_saturated);
	limits = (struct deadline_limits){.greeted = &greeted, .silent_since = &silent_since};
}

/* Makes a connection that waits in the queue for QUEUED_MS. */
static void tcp_pair(int queued_ms)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, len), 0);
	(void)setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	far_end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(far_end, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ck_assert_int_eq(connect(far_end, (struct sockaddr *)&in, len), 0);
	if (queued_ms > 0)
		(void)usleep((useconds_t)queued_ms * 1000);
	near_end = accept(listener, NULL, NULL);
	(void)close(listener);
}

static void unix_pair(void)
{
	int pair[2], small = 4096;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	near_end = pair[0];
	far_end = pair[1];
	(void)setsockopt(near_end, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
}

static void begin(void)
{
	limits.start = clock_ms();
	greeted = 0;
	silent_since = limits.start;
	deadline_begin(near_end, 0);
	deadline_limit(&limits);
}

/* Waits until the connection is cut, or MS have passed. */
static enum deadline_kind outcome(int ms)
{
	int64_t end = clock_ms() + ms;

	while (deadline_passed() == DEADLINE_NONE && clock_ms() < end)
		(void)poll(NULL, 0, (int)(end - clock_ms()) + 1); /* the timer's signal ends it */
	return deadline_passed();
}

static int64_t age(void)
{
	return clock_ms() - limits.start;
}

/* A client in a process of its own, which reads or writes every EVERY_MS. */
static pid_t client(int every_ms, int times, size_t reads, size_t writes)
{
	pid_t pid = fork();

	if (pid != 0) {
		(void)close(far_end);
		return pid;
	}
	(void)close(near_end);
	for (int i = 0; i < times; i++) {
		if (reads > 0 && recv(far_end, buf, reads, 0) <= 0)
			break;
		if (writes > 0 && send(far_end, buf, writes, MSG_NOSIGNAL) <= 0)
			break;
		(void)usleep((useconds_t)every_ms * 1000);
	}
	_exit(0);
}

static void fill(void)
{
	while (send(near_end, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(a_programs_client_is_late_with_its_first_byte)
{
	tcp_pair(0);
	limits.first_byte = 200;
	limits.unseen = true;
	begin();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE);
	ck_assert_int_ge(age(), 200);
	ck_assert_int_lt(age(), 1000);
	ck_assert_uint_eq(greeted, 0);
}
END_TEST

START_TEST(a_programs_client_has_greeted)
{
	tcp_pair(0);
	limits.first_byte = 400;
	limits.first_byte_busy = 200;
	limits.unseen = true;
	all_busy = true;
	begin();
	ck_assert(!deadline_look_is_greeted());
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(outcome(800), DEADLINE_NONE);
	ck_assert_uint_eq(greeted, 1);
	ck_assert(deadline_look_is_greeted());
}
END_TEST

START_TEST(a_proxys_header_is_no_first_byte)
{
	tcp_pair(0);
	limits.first_byte = 200;
	limits.header = 6;
	limits.unseen = true;
	ck_assert_int_eq(send(far_end, "PROXY\n", 6, 0), 6);
	begin();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE);
}
END_TEST

START_TEST(a_finished_client_need_send_nothing)
{
	tcp_pair(0);
	limits.first_byte = 200;
	limits.unseen = true;
	begin();
	(void)shutdown(far_end, SHUT_WR);
	ck_assert_int_eq(outcome(600), DEADLINE_NONE);
	ck_assert_uint_eq(greeted, 1);
}
END_TEST

START_TEST(silence_is_shorter_while_all_are_busy)
{
	tcp_pair(0);
	limits.first_byte = QUIET;
	limits.first_byte_busy = 400;
	limits.unseen = _i == 0;
	all_busy = true;
	begin();
	deadline_waits(DEADLINE_READS);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE_BUSY);
	ck_assert_int_ge(age(), 400 - TICK);
	ck_assert_int_lt(age(), 1000);
}
END_TEST

START_TEST(the_time_in_the_queue_counts)
{
	tcp_pair(500);
	limits.first_byte = QUIET;
	limits.first_byte_busy = 500;
	all_busy = true;
	begin();
	deadline_waits(DEADLINE_READS);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE_BUSY);
	ck_assert_int_lt(age(), 400);
	ck_assert_int_le(silent_since, limits.start - 480);
}
END_TEST

/* The program may speak first. */
START_TEST(a_programs_client_may_have_waited_for_it)
{
	tcp_pair(500);
	limits.first_byte = QUIET;
	limits.first_byte_busy = 500;
	limits.unseen = true;
	all_busy = true;
	begin();
	ck_assert_int_eq(outcome(300), DEADLINE_NONE);
	ck_assert_int_eq(send(near_end, "220\n", 4, 0), 4);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE_BUSY);
	ck_assert_int_ge(age(), 800 - TICK);
	ck_assert_int_le(silent_since, limits.start - 480);
}
END_TEST

START_TEST(silence_is_not_shorter_while_somebody_is_idle)
{
	tcp_pair(0);
	limits.first_byte = 900;
	limits.first_byte_busy = 100;
	limits.unseen = true;
	begin();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE);
	ck_assert_int_ge(age(), 900);
}
END_TEST

/* All workers become busy later. */
START_TEST(saturation_is_looked_for_again)
{
	unix_pair();
	limits.first_byte = QUIET;
	limits.first_byte_busy = 100;
	begin();
	deadline_waits(DEADLINE_READS);
	ck_assert_int_eq(outcome(500), DEADLINE_NONE);
	all_busy = true;
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE_BUSY);
	ck_assert_int_lt(age(), 1500);
}
END_TEST

START_TEST(where_no_first_byte_is_needed_none_is_late)
{
	tcp_pair(0);
	limits.first_byte = 0;
	limits.first_byte_busy = 100;
	limits.unseen = true;
	all_busy = true;
	begin();
	ck_assert_int_eq(outcome(500), DEADLINE_NONE);
}
END_TEST

START_TEST(zero_for_busy_changes_nothing)
{
	tcp_pair(0);
	limits.first_byte = 600;
	limits.unseen = true;
	all_busy = true;
	begin();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_FIRST_BYTE);
}
END_TEST

/* The client acknowledges every probe of its closed window, which is no progress. */
START_TEST(a_programs_client_takes_nothing)
{
	tcp_pair(0);
	limits.send = 1000;
	limits.idle = _i == 0 ? 0 : 1000;
	limits.unseen = true;
	begin();
	fill();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_SEND);
	ck_assert_int_ge(age(), 1000 - TICK);
	ck_assert_int_lt(age(), 2000);
}
END_TEST

START_TEST(a_programs_client_takes_nothing_and_is_idle)
{
	tcp_pair(0);
	limits.idle = 1000;
	limits.unseen = true;
	begin();
	fill();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_IDLE);
	ck_assert_int_ge(age(), 1000 - TICK);
	ck_assert_int_lt(age(), 2000);
}
END_TEST

/* A client that keeps sending and never reads the answers is cut by send and not by idle. */
START_TEST(sending_is_no_taking)
{
	pid_t pid;

	tcp_pair(0);
	limits.send = 600;
	limits.idle = 500;
	limits.unseen = true;
	begin();
	fill();
	pid = client(50, 1000, 0, 1);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_SEND);
	(void)close(near_end);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(a_client_that_takes_all_is_not_stuck)
{
	tcp_pair(0);
	limits.send = 200;
	limits.unseen = true;
	begin();
	ck_assert_int_eq(send(near_end, "hello", 5, 0), 5);
	ck_assert_int_eq(outcome(800), DEADLINE_NONE);
}
END_TEST

START_TEST(a_trickle_to_a_programs_client_survives)
{
	int64_t end;
	pid_t pid;

	tcp_pair(0);
	limits.send = limits.idle = 300;
	limits.unseen = true;
	begin();
	pid = client(20, 100000, 2048, 0);
	end = clock_ms() + 3000;
	while (clock_ms() < end && deadline_passed() == DEADLINE_NONE) {
		fill(); /* there is always more than the client takes */
		(void)poll(NULL, 0, 5);
	}
	ck_assert_int_eq(deadline_passed(), DEADLINE_NONE);
	(void)close(near_end);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(a_trickle_from_a_programs_client_survives)
{
	pid_t pid;

	tcp_pair(0);
	limits.send = limits.idle = 300;
	limits.unseen = true;
	begin();
	pid = client(100, 30, 0, 1);
	ck_assert_int_eq(outcome(2900), DEADLINE_NONE);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_IDLE);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

/* On a unix socket nobody sees what a program reads and writes. */
START_TEST(a_program_on_a_unix_socket_is_left_alone)
{
	unix_pair();
	limits.first_byte = limits.idle = limits.send = 100;
	limits.first_byte_busy = 50;
	limits.unseen = true;
	all_busy = true;
	begin();
	fill();
	ck_assert_int_eq(outcome(600), DEADLINE_NONE);
}
END_TEST

START_TEST(total_counts_whatever_moves)
{
	tcp_pair(0);
	limits.idle = QUIET;
	begin();
	deadline_begin(near_end, clock_ms() + 200);
	ck_assert_int_eq(outcome(QUIET), DEADLINE_TOTAL);
	ck_assert_int_ge(age(), 200);
}
END_TEST

START_TEST(nothing_is_cut_without_limits)
{
	tcp_pair(0);
	begin();
	deadline_waits(DEADLINE_READS);
	ck_assert_int_eq(outcome(400), DEADLINE_NONE);
}
END_TEST

/* The worker's next client: no limit, no look and no observation of the last one may stay. */
START_TEST(the_next_connection_begins_anew)
{
	tcp_pair(0);
	limits.idle = 50;
	limits.header = 4;
	begin();
	deadline_own(clock_ms() + QUIET);
	deadline_beyond(near_end);
	deadline_waits(DEADLINE_READS);
	deadline_greeted();
	ck_assert_int_eq(outcome(QUIET), DEADLINE_IDLE);
	tcp_pair(0);
	deadline_begin(near_end, 0);
	ck_assert_int_eq(deadline_passed(), DEADLINE_NONE);
	ck_assert(!deadline_look_is_greeted());
	ck_assert_int_eq(outcome(300), DEADLINE_NONE);
	ck_assert_int_eq(send(far_end, "x", 1, MSG_NOSIGNAL), 1); /* no PROXY header any more: one byte is a greeting */
	(void)poll(&(struct pollfd){.fd = near_end, .events = POLLIN}, 1, QUIET);
	ck_assert(deadline_look_is_greeted());
}
END_TEST

START_TEST(nothing_is_cut_after_the_end)
{
	tcp_pair(0);
	limits.first_byte = 100;
	limits.unseen = true;
	begin();
	deadline_end();
	ck_assert_int_eq(outcome(400), DEADLINE_NONE);
	ck_assert_int_eq(send(near_end, "x", 1, MSG_NOSIGNAL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deadline");
	TCase *tcase = tcase_create("deadline");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, a_programs_client_is_late_with_its_first_byte);
	tcase_add_test(tcase, a_programs_client_has_greeted);
	tcase_add_test(tcase, a_proxys_header_is_no_first_byte);
	tcase_add_test(tcase, a_finished_client_need_send_nothing);
	tcase_add_loop_test(tcase, silence_is_shorter_while_all_are_busy, 0, 2);
	tcase_add_test(tcase, the_time_in_the_queue_counts);
	tcase_add_test(tcase, a_programs_client_may_have_waited_for_it);
	tcase_add_test(tcase, silence_is_not_shorter_while_somebody_is_idle);
	tcase_add_test(tcase, saturation_is_looked_for_again);
	tcase_add_test(tcase, where_no_first_byte_is_needed_none_is_late);
	tcase_add_test(tcase, zero_for_busy_changes_nothing);
	tcase_add_loop_test(tcase, a_programs_client_takes_nothing, 0, 2);
	tcase_add_test(tcase, a_programs_client_takes_nothing_and_is_idle);
	tcase_add_test(tcase, sending_is_no_taking);
	tcase_add_test(tcase, a_client_that_takes_all_is_not_stuck);
	tcase_add_test(tcase, a_trickle_to_a_programs_client_survives);
	tcase_add_test(tcase, a_trickle_from_a_programs_client_survives);
	tcase_add_test(tcase, a_program_on_a_unix_socket_is_left_alone);
	tcase_add_test(tcase, total_counts_whatever_moves);
	tcase_add_test(tcase, nothing_is_cut_without_limits);
	tcase_add_test(tcase, the_next_connection_begins_anew);
	tcase_add_test(tcase, nothing_is_cut_after_the_end);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
