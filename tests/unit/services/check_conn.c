/* SPDX-License-Identifier: MIT */
/* Time limits and the lingering close, with a service's calls on one end of a connection and the test on the other. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <preforkd/module.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "config/config.h"
#include "net/linger.h"
#include "net/proxy_header.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/deadline.h"
#include "services/deadline_look.h"

#include "../suite.h"

static struct config_service service;
static struct preforkd_conn conn;
static struct board_slot slot;
static int far_end; /* the client's */
static char buf[65536];

static int tcp_pair(int *client_out)
{
	struct sockaddr_any addr = {.len = sizeof(addr.in)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	addr.in.sin_family = AF_INET;
	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &addr.sa, &addr.len), 0);
	*client_out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(*client_out, &addr.sa, addr.len), 0);
	fd = accept(listener, NULL, NULL);
	(void)close(listener);
	return fd;
}

static void setup(void)
{
	memset(&service, 0, sizeof(service));
	service.name = (char *)"test";
	signals_harmless();
	deadline_init(true);
	log_set_level(LOG_EMERG);
}

static void begin_on(bool tcp)
{
	struct sockaddr_any peer = {.len = sizeof(peer.in)};
	int pair[2];

	peer.in.sin_family = tcp ? AF_INET : AF_UNIX;
	if (tcp) {
		pair[0] = tcp_pair(&far_end);
	} else {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		far_end = pair[1];
	}
	conn_begin(&conn, pair[0], &peer, &service, &slot);
}

static void begin(void)
{
	begin_on(true);
}

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

/* Without lingering the unread bytes turn close(2) into a reset, which takes the answer along. */
START_TEST(the_answer_arrives_although_bytes_are_unread)
{
	int status;
	pid_t pid;

	begin();
	ck_assert_int_eq(send(far_end, buf, 30000, 0), 30000);
	pid = fork();
	if (pid == 0) {
		size_t got = 0;
		ssize_t n;

		(void)close(conn.fd);
		while ((n = recv(far_end, buf, sizeof(buf), 0)) > 0)
			got += (size_t)n;
		_exit(n == 0 && got == 60000 ? 0 : 1);
	}
	(void)close(far_end);
	ck_assert_int_eq(preforkd_write(&conn, buf, 60000), 0);
	conn_end(&conn);
	ck_assert_int_eq(conn.fd, -1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* More is unread, and comes while the answer is under way, than a socket buffers. On a unix socket, too, the client
 * finds the end after the answer and not a reset. */
START_TEST(a_large_answer_arrives_whatever_the_client_sends)
{
	int status;
	pid_t pid;

	service.timeouts.send = 10000;
	begin_on(_i == 0);
	pid = fork();
	if (pid == 0) {
		size_t got = 0;
		ssize_t n = 1;

		(void)close(conn.fd);
		for (int i = 0; i < 10; i++)
			n = send(far_end, buf, 60000, MSG_NOSIGNAL);
		while (n > 0) {
			n = recv(far_end, buf, 8192, 0);
			got += n > 0 ? (size_t)n : 0;
		}
		_exit(n == 0 && got == 130000 ? 0 : 1);
	}
	(void)close(far_end);
	ck_assert_int_eq(preforkd_write(&conn, buf, 65000), 0);
	ck_assert_int_eq(preforkd_write(&conn, buf, 65000), 0);
	ck_assert(conn_deliver(&conn));
	conn_end(&conn);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* The client goes on sending, and takes nothing. */
START_TEST(delivering_is_limited)
{
	pid_t pid;

	service.timeouts.send = 300;
	begin_on(_i == 0);
	while (send(conn.fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	pid = fork();
	if (pid == 0) {
		(void)close(conn.fd);
		while (send(far_end, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	(void)close(far_end);
	ck_assert(!conn_deliver(&conn));
	conn_say_something(&conn);
	ck_assert_str_eq(conn.reason, "the client took nothing for 300ms (timeouts.send)");
	conn_end(&conn);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(lingering_is_bounded_in_time)
{
	int64_t start = clock_ms();

	begin();
	conn_end(&conn); /* the client neither sends nor closes */
	ck_assert_int_ge(clock_ms() - start, LINGER_MS - 50);
	ck_assert_int_lt(clock_ms() - start, LINGER_MS * 4);
}
END_TEST

START_TEST(lingering_is_bounded_in_bytes)
{
	int64_t start = clock_ms();
	pid_t pid;

	begin();
	pid = fork();
	if (pid == 0) {
		(void)close(conn.fd);
		while (send(far_end, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	(void)close(far_end);
	conn_end(&conn);
	ck_assert_int_lt(clock_ms() - start, LINGER_MS);
	(void)waitpid(pid, NULL, 0); /* the reset has ended the client */
}
END_TEST

START_TEST(a_finished_client_is_not_waited_for)
{
	int64_t start = clock_ms();

	begin();
	(void)shutdown(far_end, SHUT_WR);
	ck_assert_int_eq(preforkd_read(&conn, buf, sizeof(buf)), 0);
	ck_assert(conn.peer_done);
	conn_end(&conn);
	ck_assert_int_lt(clock_ms() - start, LINGER_MS / 2);
}
END_TEST

START_TEST(how_a_client_was_lost_is_said_of_its_connection)
{
	struct proxy_header header = {.version = 2, .known = true};

	begin();
	conn_say_lost(&conn, ECONNRESET);
	ck_assert_str_eq(conn.reason, "the client is gone (reset)");
	/* a PROXY header may name a client on a unix socket */
	header.source.sa.sa_family = header.destination.sa.sa_family = AF_UNIX;
	header.source.len = header.destination.len = sizeof(sa_family_t);
	conn_claim(&conn, &header, 232);
	conn_say_lost(&conn, ECONNRESET);
	ck_assert_str_eq(conn.reason, "the client is gone (reset)");
	(void)shutdown(far_end, SHUT_WR); /* else conn_end() waits for it */
	conn_end(&conn);
}
END_TEST

/* A reset by the client is no failure of the service, unless the service says so. */
START_TEST(a_reset_is_the_clients_affair)
{
	const struct linger reset = {.l_onoff = 1};
	char byte;

	begin();
	ck_assert_int_eq(setsockopt(far_end, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	(void)close(far_end);
	ck_assert_int_eq(preforkd_read(&conn, &byte, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_str_eq(conn.reason, "the client is gone (reset)");
	ck_assert(conn.hung_up);
	ck_assert_int_eq(preforkd_write(&conn, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert(conn.hung_up);
	ck_assert_int_eq(preforkd_fail(&conn, "the disk is full"), -1);
	ck_assert(!conn.hung_up);
	conn_end(&conn);
}
END_TEST

START_TEST(nothing_of_the_last_client_stays)
{
	struct sockaddr_any peer = {.len = sizeof(sa_family_t)};

	peer.sa.sa_family = AF_UNIX;
	memset(&conn, 0xa5, sizeof(conn));
	conn_begin_datagram(&conn, &peer, &service, NULL);
	ck_assert_int_eq(conn.fd, -1);
	ck_assert_ptr_null(conn.sender);
	ck_assert_ptr_null(conn.slot);
	ck_assert(conn.ordered_to_leave == NULL);
	ck_assert_uint_eq(conn.via.len + conn.local.len, 0);
	ck_assert_uint_eq(conn.in + conn.out + conn.header + conn.ahead_at + conn.ahead_len, 0);
	ck_assert_int_eq(conn.own_ms, 0);
	ck_assert(!conn.limited && !conn.greeted && !conn.probe && !conn.peer_done && !conn.reset && !conn.hung_up &&
		  !conn.unserved && !conn.spent);
	ck_assert_str_eq(conn.reason, "");
	ck_assert_str_eq(preforkd_peer(&conn), "unix:");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conn");
	TCase *tcase = tcase_create("conn");

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
	tcase_add_test(tcase, the_answer_arrives_although_bytes_are_unread);
	tcase_add_loop_test(tcase, a_large_answer_arrives_whatever_the_client_sends, 0, 2);
	tcase_add_loop_test(tcase, delivering_is_limited, 0, 2);
	tcase_add_test(tcase, lingering_is_bounded_in_time);
	tcase_add_test(tcase, lingering_is_bounded_in_bytes);
	tcase_add_test(tcase, a_finished_client_is_not_waited_for);
	tcase_add_test(tcase, how_a_client_was_lost_is_said_of_its_connection);
	tcase_add_test(tcase, a_reset_is_the_clients_affair);
	tcase_add_test(tcase, nothing_of_the_last_client_stays);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
