/* SPDX-License-Identifier: MIT */
/* A connection that lives: the time limits of a service's calls, orders that cut it, signals that do not. */
#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "net/linger.h"
#include "services/conn.h"
#include "services/deadline.h"
#include "services/deadline_look.h"

#include "../suite.h"
#include "conn_case.h"

START_TEST(first_byte_is_limited)
{
	int64_t start = clock_ms();

	service.timeouts.first_byte = 150;
	service.timeouts.idle = 60000;
	begin();
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.first_byte"));
	ck_assert_int_ge(clock_ms() - start, 120);
	ck_assert(preforkd_ended(&conn));
}
END_TEST

START_TEST(idle_is_limited_after_the_first_byte)
{
	service.timeouts.first_byte = 60000;
	service.timeouts.idle = 150;
	begin();
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.idle"));
}
END_TEST

START_TEST(total_is_limited_whatever_moves)
{
	service.timeouts.total = 300;
	service.timeouts.idle = 60000;
	begin();
	for (;;) {
		(void)send(far_end, "x", 1, MSG_NOSIGNAL);
		if (preforkd_read(&conn, buf, sizeof(buf)) < 0)
			break;
	}
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.total"));
}
END_TEST

START_TEST(a_reader_that_does_not_read_is_idle)
{
	service.timeouts.idle = 200;
	begin();
	while (preforkd_write(&conn, buf, sizeof(buf)) == 0)
		;
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.idle"));
}
END_TEST

/* Writes succeed until the buffers are full. On a unix socket only the calls themselves tell that nothing moves. */
START_TEST(a_reader_that_does_not_read_is_cut)
{
	int64_t start;
	ssize_t n;

	service.timeouts.send = 300;
	service.timeouts.idle = _i < 2 ? 60000 : 300;
	begin_on(_i % 2 == 0);
	start = clock_ms();
	while (preforkd_write(&conn, buf, sizeof(buf)) == 0)
		;
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_str_eq(conn.reason, "the client took nothing for 300ms (timeouts.send)");
	ck_assert_int_ge(clock_ms() - start, 300);
	ck_assert_int_lt(clock_ms() - start, 2000);
	start = clock_ms();
	conn_end(&conn); /* does not block, and the kernel drops what the client did not take */
	ck_assert_int_lt(clock_ms() - start, LINGER_MS / 2);
	while ((n = recv(far_end, buf, sizeof(buf), 0)) > 0)
		;
	if (_i % 2 == 0)
		ck_assert_int_eq(n, -1);
}
END_TEST

/* The kernel has bytes that the client has not read, and the service waits for bytes of the client. */
START_TEST(a_reader_that_does_not_read_is_cut_while_we_read)
{
	service.timeouts.send = 300;
	service.timeouts.idle = 60000;
	begin();
	while (send(conn.fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.send"));
}
END_TEST

/* The service computes while the client waits and has got everything. */
START_TEST(a_service_that_computes_is_not_a_reader_that_does_not_read)
{
	int64_t end;

	service.timeouts.send = 100;
	begin_on(_i == 0);
	ck_assert_int_eq(preforkd_write(&conn, "hello", 5), 0);
	end = clock_ms() + 400;
	while (clock_ms() < end)
		(void)poll(NULL, 0, (int)(end - clock_ms()) + 1);
	ck_assert(!preforkd_ended(&conn));
}
END_TEST

START_TEST(the_slot_says_whether_the_client_has_greeted)
{
	begin(); /* also without a limit */
	ck_assert_uint_eq(slot.greeted, 0);
	ck_assert_int_eq(slot.silent_since_ms, conn.start_ms);
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 1);
	ck_assert_uint_eq(slot.greeted, 1);
}
END_TEST

/* A service that speaks first does not wait for a first byte of the client. */
START_TEST(who_speaks_first_waits_for_no_first_byte)
{
	static const struct preforkd_module handler = {.flags = PREFORKD_STREAM | PREFORKD_SPEAKS_FIRST};

	service.handler = &handler;
	service.timeouts.first_byte = 100;
	service.timeouts.idle = 400;
	begin();
	ck_assert_uint_eq(slot.greeted, 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_ptr_nonnull(strstr(conn.reason, "timeouts.idle"));
}
END_TEST

static bool always(void)
{
	return true;
}

START_TEST(silence_while_all_are_busy_has_a_name)
{
	service.timeouts.first_byte = 60000;
	service.timeouts.first_byte_busy = 200;
	deadline_saturated(always);
	begin_on(_i == 0);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_str_eq(conn.reason, "no first byte within 200ms while all workers are busy and others wait "
				      "(timeouts.first_byte_busy)");
}
END_TEST

/* A single write takes many times the idle limit, because the client reads slowly, but all the time. */
START_TEST(a_slow_but_moving_write_is_not_cut)
{
	static char big[192 << 10];
	int small = 4096, status;
	pid_t pid;

	service.timeouts.idle = _i < 2 ? 400 : 60000;
	service.timeouts.send = _i < 2 ? 60000 : 400;
	begin_on(_i % 2 == 0);
	(void)setsockopt(far_end, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)setsockopt(conn.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pid = fork();
	if (pid == 0) {
		static char sink[65536];

		(void)close(conn.fd);
		/* the pace is tested: a small window every 20 ms */
		while (recv(far_end, sink, _i % 2 == 0 ? sizeof(sink) : 1024, 0) > 0)
			(void)usleep(20000);
		_exit(0);
	}
	(void)close(far_end);
	ck_assert_msg(preforkd_write(&conn, big, sizeof(big)) == 0, "%s", conn.reason);
	conn_end(&conn);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

START_TEST(a_limit_of_one_client_does_not_hit_the_next)
{
	service.timeouts.first_byte = 100;
	begin();
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	conn_end(&conn);
	service.timeouts.first_byte = 60000;
	begin();
	ck_assert_int_eq(send(far_end, "fresh", 5, 0), 5);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 5);
	ck_assert(!preforkd_ended(&conn));
}
END_TEST

/* The timer is set for a long limit already when a shorter one begins. */
START_TEST(a_shorter_limit_overtakes_a_longer_one)
{
	int64_t start = clock_ms();

	service.timeouts.first_byte = 60000;
	begin();
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 1);
	(void)shutdown(far_end, SHUT_WR);
	conn_end(&conn);
	service.timeouts.idle = 100;
	begin();
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_int_lt(clock_ms() - start, 10000);
}
END_TEST

static void cut_us(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	deadline_look_cut(false);
}

START_TEST(a_cut_is_not_lost_before_the_read)
{
	begin();
	signals_handle(SIGUSR1, cut_us);
	(void)raise(SIGUSR1); /* before the call that would block for ever */
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_ptr_nonnull(strstr(conn.reason, "had to stop"));
}
END_TEST

START_TEST(other_signals_do_not_disturb)
{
	begin();
	(void)raise(SIGHUP);
	(void)raise(SIGPIPE);
	(void)raise(SIGRTMIN + 3);
	ck_assert_int_eq(send(far_end, "x", 1, 0), 1);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conn_limits");
	TCase *tcase = tcase_create("conn_limits");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, first_byte_is_limited);
	tcase_add_test(tcase, idle_is_limited_after_the_first_byte);
	tcase_add_test(tcase, total_is_limited_whatever_moves);
	tcase_add_test(tcase, a_reader_that_does_not_read_is_idle);
	/* each of these on TCP and on a unix socket */
	tcase_add_loop_test(tcase, a_reader_that_does_not_read_is_cut, 0, 4);
	tcase_add_loop_test(tcase, a_slow_but_moving_write_is_not_cut, 0, 4);
	tcase_add_loop_test(tcase, a_service_that_computes_is_not_a_reader_that_does_not_read, 0, 2);
	tcase_add_loop_test(tcase, silence_while_all_are_busy_has_a_name, 0, 2);
	tcase_add_test(tcase, a_reader_that_does_not_read_is_cut_while_we_read);
	tcase_add_test(tcase, the_slot_says_whether_the_client_has_greeted);
	tcase_add_test(tcase, who_speaks_first_waits_for_no_first_byte);
	tcase_add_test(tcase, a_limit_of_one_client_does_not_hit_the_next);
	tcase_add_test(tcase, a_shorter_limit_overtakes_a_longer_one);
	tcase_add_test(tcase, a_cut_is_not_lost_before_the_read);
	tcase_add_test(tcase, other_signals_do_not_disturb);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
