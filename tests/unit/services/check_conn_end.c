/* SPDX-License-Identifier: MIT */
/* A connection that ends: its last bytes arrive, the lingering close is bounded, its reason is told, and nothing of it
 * stays for the next client. */
#include <errno.h>
#include <preforkd/module.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/linger.h"
#include "net/proxy_header.h"
#include "services/conn.h"
#include "services/conn_say.h"

#include "../suite.h"
#include "conn_case.h"

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
	Suite *suite = suite_create("conn_end");
	TCase *tcase = tcase_create("conn_end");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, the_answer_arrives_although_bytes_are_unread);
	/* each of these on TCP and on a unix socket */
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
