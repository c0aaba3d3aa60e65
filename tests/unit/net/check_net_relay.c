/* SPDX-License-Identifier: MIT */
/* A relay between two sockets: what it passes on, in both directions, and how it ends with a finished side. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "net/relay.h"

#include "../suite.h"
#include "net_relay_case.h"

START_TEST(small_messages)
{
	start(families[_i]);
	for (int i = 0; i < 100; i++) {
		send_all(client, "ping", 4);
		expect(server, "ping");
		send_all(server, "pong!", 5);
		expect(client, "pong!");
	}
	fd_close(&client);
	expect_end(server);
	fd_close(&server);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_uint_eq(seen->in, 400);
	ck_assert_uint_eq(seen->out, 500);
}
END_TEST

START_TEST(client_finishes_first)
{
	start(families[_i]);
	send_all(client, "question", 8);
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	expect(server, "question");
	expect_end(server);
	send_all(server, "answer", 6);
	expect(client, "answer");
	fd_close(&server);
	expect_end(client);
	ck_assert_int_eq(finish(), RELAY_DONE);
}
END_TEST

START_TEST(server_finishes_first)
{
	start(families[_i]);
	send_all(server, "banner", 6);
	ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
	expect(client, "banner");
	expect_end(client);
	send_all(client, "more", 4);
	expect(server, "more");
	fd_close(&client);
	expect_end(server);
	ck_assert_int_eq(finish(), RELAY_DONE);
}
END_TEST

/* Both ways at once, from four processes, none of which waits for another. */
START_TEST(much_both_ways)
{
	pid_t writers[2];
	int status;

	start(families[_i]);
	for (int i = 0; i < 2; i++) {
		writers[i] = fork();
		if (writers[i] == 0) {
			send_all(i == 0 ? client : server, sent, MUCH);
			(void)shutdown(i == 0 ? client : server, SHUT_WR);
			_exit(0);
		}
	}
	ck_assert_uint_eq(read_to_end(client, got, MUCH), MUCH);
	ck_assert_int_eq(memcmp(got, sent, MUCH), 0);
	expect_end(client);
	memset(got, 0, MUCH);
	ck_assert_uint_eq(read_to_end(server, got, MUCH), MUCH);
	ck_assert_int_eq(memcmp(got, sent, MUCH), 0);
	expect_end(server);
	for (int i = 0; i < 2; i++)
		ck_assert(waitpid(writers[i], &status, 0) == writers[i] && status == 0);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_uint_eq(seen->in, MUCH);
	ck_assert_uint_eq(seen->out, MUCH);
}
END_TEST

/* All bytes that were read are sent before there is a wait: the other side may say nothing more until it has it all. */
START_TEST(much_in_one_answer)
{
	pid_t answerer;
	char c = 'x';

	start(families[_i]);
	answerer = fork();
	if (answerer == 0) {
		(void)close(client);
		while (recv(server, &c, 1, 0) == 1)
			send_all(server, sent, MUCH);
		_exit(0);
	}
	fd_close(&server);
	for (int i = 0; i < 80; i++) {
		size_t used = 0, size = MUCH;

		send_all(client, &c, 1);
		while (used < size) {
			ssize_t n = recv(client, got, size - used, 0);

			ck_assert_int_gt(n, 0);
			used += (size_t)n;
		}
	}
	fd_close(&client);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_int_eq(waitpid(answerer, NULL, 0), answerer);
}
END_TEST

/* A side that does not read makes the other one wait: the bytes that are held are bounded. */
START_TEST(a_slow_reader)
{
	struct pollfd p = {.events = POLLOUT};
	size_t held = 0;
	ssize_t n;

	start(families[_i]);
	p.fd = client;
	while (poll(&p, 1, 300) > 0) {
		n = send(client, sent, 65536, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert_msg(n > 0, "%s", strerror(errno));
		held += (size_t)n;
		ck_assert_uint_lt(held, 100 * 1024 * 1024);
	}
	ck_assert_uint_le(seen->in, held);
	/* the other way is free all the while */
	send_all(server, "hello", 5);
	expect(client, "hello");
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	while (held > 0) {
		n = recv(server, got, MUCH, 0);
		ck_assert_int_gt(n, 0);
		held -= (size_t)n;
	}
	expect_end(server);
	fd_close(&server);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_int_lt(seen->cpu_ms, 2000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_relay");
	TCase *tcase = tcase_create("net_relay");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, small_messages, 0, 2);
	tcase_add_loop_test(tcase, client_finishes_first, 0, 2);
	tcase_add_loop_test(tcase, server_finishes_first, 0, 2);
	tcase_add_loop_test(tcase, much_both_ways, 0, 2);
	tcase_add_loop_test(tcase, much_in_one_answer, 0, 2);
	tcase_add_loop_test(tcase, a_slow_reader, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
