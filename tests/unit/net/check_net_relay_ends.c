/* SPDX-License-Identifier: MIT */
/* A relay between two sockets: resets, ends by its caller, urgent data, and the last words of a side. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "net/relay.h"

#include "../suite.h"
#include "net_relay_case.h"

static void expect_reset(int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n > 0);
	ck_assert_msg(n < 0 && errno == ECONNRESET, "%zd %s", n, strerror(errno));
}

START_TEST(a_reset_is_passed_on)
{
	const struct linger now = {.l_onoff = 1};
	int *dead = _i == 0 ? &client : &server, *other = _i == 0 ? &server : &client;

	start(AF_INET);
	send_all(client, "x", 1);
	expect(server, "x");
	ck_assert_int_eq(setsockopt(*dead, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	fd_close(dead);
	expect_reset(*other);
	ck_assert_int_eq(finish(), _i == 0 ? RELAY_CLIENT : RELAY_UPSTREAM);
	ck_assert_int_eq(seen->code, ECONNRESET);
}
END_TEST

/* Noticed although nobody wants to read from there: the other side takes nothing. */
START_TEST(a_reset_while_the_other_side_is_full)
{
	const struct linger now = {.l_onoff = 1};
	struct pollfd p = {.events = POLLOUT};

	start(AF_INET);
	p.fd = client;
	while (poll(&p, 1, 200) > 0)
		(void)send(client, sent, 65536, MSG_DONTWAIT | MSG_NOSIGNAL);
	ck_assert_int_eq(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	fd_close(&client);
	ck_assert_int_eq(finish(), RELAY_CLIENT);
	expect_reset(server);
}
END_TEST

/* The client sends until nobody takes any more, and closes: no news from its socket may keep the relay running while
 * the server is slow. A unix socket says at once that it was closed, with all that is still to be read from it. */
START_TEST(a_closed_client_costs_nothing)
{
	struct pollfd p = {.events = POLLOUT};
	size_t size = 0, used = 0;
	ssize_t n;

	start(families[_i]);
	ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
	expect_end(client);
	p.fd = client;
	while (size < MUCH && poll(&p, 1, 200) > 0) {
		n = send(client, sent + size, MUCH - size < 16384 ? MUCH - size : 16384, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert_int_gt(n, 0);
		size += (size_t)n;
	}
	fd_close(&client);
	(void)poll(NULL, 0, 600);
	while (used < size) {
		n = recv(server, got + used, size - used, 0);
		ck_assert_int_gt(n, 0);
		used += (size_t)n;
	}
	ck_assert_int_eq(memcmp(got, sent, size), 0);
	expect_end(server);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_int_lt(seen->cpu_ms, 60);
}
END_TEST

START_TEST(ended_by_the_caller)
{
	start(AF_INET);
	send_all(client, "x", 1);
	expect(server, "x");
	seen->end = true;
	(void)shutdown(client, SHUT_WR); /* what wakes it is of no matter */
	ck_assert_int_eq(finish(), RELAY_ENDED);
	expect_reset(server);
}
END_TEST

/* The end that a limit makes of the client's socket is not the client's. */
START_TEST(ended_in_the_middle_of_work)
{
	start(AF_INET);
	send_all(client, "x", 1);
	expect(server, "x");
	ck_assert_int_eq(kill(middle, SIGSTOP), 0);
	seen->cut_after_look = true;
	send_all(client, sent, RELAY_COPY); /* it looks for more at once */
	ck_assert_int_eq(kill(middle, SIGCONT), 0);
	expect_reset(server);
	ck_assert_int_eq(finish(), RELAY_ENDED);
}
END_TEST

/* splice(2) stops at urgent data, and poll(2) says that there is something: it must not run in circles. */
START_TEST(urgent_data_after_much)
{
	start(AF_INET);
	send_all(client, sent, 1024 * 1024);
	ck_assert_uint_eq(read_to_end(server, got, 1024 * 1024), 1024 * 1024);
	ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
	send_all(client, "after", 5);
	expect(server, "!after");
	(void)poll(NULL, 0, 300);
	send_all(client, "bye", 3);
	expect(server, "bye");
	fd_close(&client);
	expect_end(server);
	fd_close(&server);
	ck_assert_int_eq(finish(), RELAY_DONE);
	ck_assert_int_lt(seen->cpu_ms, 60);
}
END_TEST

/* To splice(2) urgent data that nobody follows looks like the end. */
START_TEST(urgent_data_before_the_end)
{
	start(AF_INET);
	send_all(client, sent, 1024 * 1024);
	ck_assert_uint_eq(read_to_end(server, got, 1024 * 1024), 1024 * 1024);
	ck_assert_int_eq(kill(middle, SIGSTOP), 0); /* what follows comes at once */
	ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
	send_all(client, "after", 5);
	fd_close(&client);
	ck_assert_int_eq(kill(middle, SIGCONT), 0);
	ck_assert_uint_eq(read_to_end(server, got, MUCH), 6);
	ck_assert_int_eq(memcmp(got, "!after", 6), 0);
	fd_close(&server);
	ck_assert_int_eq(finish(), RELAY_DONE);
}
END_TEST

static void wait_unread(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, -1), 1);
}

/* A peer that resets the connection, because it did not want all, may have said why before. */
START_TEST(last_words)
{
	int *last = _i < 2 ? &server : &client, *other = _i < 2 ? &client : &server;
	const size_t size = _i % 2 == 0 ? 7 : RELAY_COPY + 1000; /* less than a window */

	start(AF_INET);
	send_all(*other, "unread", 6);
	wait_unread(*last);
	ck_assert_int_eq(kill(middle, SIGSTOP), 0);
	send_all(*last, sent, size);
	fd_close(last);
	send_all(*other, "and more", 8);
	ck_assert_int_eq(kill(middle, SIGCONT), 0);
	for (size_t used = 0; used < size;) {
		ssize_t n = recv(*other, got + used, size - used, 0);

		ck_assert_msg(n > 0, "after %zu: %s", used, n == 0 ? "end" : strerror(errno));
		used += (size_t)n;
	}
	ck_assert_int_eq(memcmp(got, sent, size), 0);
	expect_reset(*other);
	ck_assert_int_eq(finish(), _i < 2 ? RELAY_UPSTREAM : RELAY_CLIENT);
	ck_assert_int_eq(seen->code, ECONNRESET);
}
END_TEST

/* The same with a client who takes its time: it gets all that had arrived here. */
START_TEST(last_words_for_a_slow_reader)
{
	struct pollfd p = {.events = POLLOUT};
	size_t arrived = 0, used = 0;
	int left = 0;
	ssize_t n;

	start(AF_INET);
	send_all(client, "unread", 6);
	wait_unread(server);
	p.fd = server;
	while (arrived < MUCH && poll(&p, 1, 200) > 0) {
		n = send(server, sent + arrived, MUCH - arrived < 16384 ? MUCH - arrived : 16384, MSG_DONTWAIT);
		ck_assert_int_gt(n, 0);
		arrived += (size_t)n;
	}
	ck_assert_int_eq(ioctl(server, SIOCOUTQ, &left), 0);
	arrived -= (size_t)left;
	fd_close(&server);
	(void)poll(NULL, 0, 700); /* longer than RELAY_LAST_MS */
	while (used < arrived) {
		n = recv(client, got + used, MUCH - used, 0);
		ck_assert_msg(n > 0, "after %zu of %zu: %s", used, arrived, n == 0 ? "end" : strerror(errno));
		used += (size_t)n;
	}
	ck_assert_int_eq(memcmp(got, sent, arrived), 0);
	expect_reset(client);
	ck_assert_int_eq(finish(), RELAY_UPSTREAM);
	ck_assert_int_lt(seen->cpu_ms, 400);
}
END_TEST

/* Bytes that were under way when a connection broke are not for the next one. */
START_TEST(nothing_is_left_for_the_next)
{
	const struct linger now = {.l_onoff = 1};
	struct pollfd p = {.events = POLLOUT};
	int down[2], up[2], c[2], s[2], status;

	for (int i = 0; i < 2; i++) {
		tcp_pair(AF_INET, &c[i], &down[i]);
		tcp_pair(AF_INET, &s[i], &up[i]);
	}
	middle = fork();
	if (middle == 0) {
		for (int i = 0; i < 2; i++) {
			(void)close(c[i]);
			(void)close(s[i]);
		}
		(void)relay(down[0], up[0]);
		_exit((int)relay(down[1], up[1]));
	}
	for (int i = 0; i < 2; i++) {
		(void)close(down[i]);
		(void)close(up[i]);
	}
	p.fd = c[0];
	while (poll(&p, 1, 200) > 0)
		(void)send(c[0], sent, 65536, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)setsockopt(c[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(c[0]);
	send_all(c[1], sent + 1, MUCH / 10);
	(void)shutdown(c[1], SHUT_WR);
	ck_assert_uint_eq(read_to_end(s[1], got, MUCH), MUCH / 10);
	ck_assert_int_eq(memcmp(got, sent + 1, MUCH / 10), 0);
	(void)close(s[1]);
	(void)close(c[1]);
	(void)close(s[0]);
	ck_assert_int_eq(waitpid(middle, &status, 0), middle);
	middle = -1;
	ck_assert_int_eq(status, RELAY_DONE);
}
END_TEST

/* Without descriptors for a pipe it copies. */
START_TEST(no_descriptors)
{
	struct rlimit limit = {.rlim_cur = 20, .rlim_max = 20};
	int down, up;

	tcp_pair(AF_INET, &client, &down);
	tcp_pair(AF_INET, &server, &up);
	middle = fork();
	if (middle == 0) {
		(void)close(client);
		(void)close(server);
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		while (dup(up) >= 0)
			;
		seen->code = -1;
		for (int fd = 3; fd < 20; fd++) /* those would keep it open */
			if (fd != up && fd != down)
				(void)dup2(0, fd);
		_exit((int)relay(down, up));
	}
	(void)close(down);
	(void)close(up);
	if (fork() == 0) {
		send_all(client, sent, MUCH);
		(void)shutdown(client, SHUT_WR);
		_exit(0);
	}
	ck_assert_uint_eq(read_to_end(server, got, MUCH), MUCH);
	ck_assert_int_eq(memcmp(got, sent, MUCH), 0);
	expect_end(server);
	fd_close(&server);
	ck_assert_int_eq(finish(), RELAY_DONE);
}
END_TEST

/* A reset does not throw away bytes that the peer has not got yet, if it takes them soon. */
START_TEST(reset_waits_for_what_is_under_way)
{
	const size_t size = 1024 * 1024;
	int down;
	size_t used = 0;
	ssize_t n;

	tcp_pair(AF_INET, &client, &down);
	middle = fork();
	if (middle == 0) {
		int big = (int)size * 2;

		(void)close(client);
		(void)setsockopt(down, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
		send_all(down, sent, size);
		relay_reset(&down);
		_exit(0);
	}
	(void)close(down);
	(void)poll(NULL, 0, 50);
	while (used < size) {
		n = recv(client, got + used, size - used, 0);
		ck_assert_msg(n > 0, "after %zu: %s", used, strerror(errno));
		used += (size_t)n;
	}
	expect_reset(client);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_relay_ends");
	TCase *tcase = tcase_create("net_relay_ends");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, a_reset_is_passed_on, 0, 2);
	tcase_add_test(tcase, a_reset_while_the_other_side_is_full);
	tcase_add_loop_test(tcase, a_closed_client_costs_nothing, 0, 2);
	tcase_add_test(tcase, ended_by_the_caller);
	tcase_add_test(tcase, ended_in_the_middle_of_work);
	tcase_add_test(tcase, urgent_data_after_much);
	tcase_add_test(tcase, urgent_data_before_the_end);
	tcase_add_loop_test(tcase, last_words, 0, 4);
	tcase_add_test(tcase, last_words_for_a_slow_reader);
	tcase_add_test(tcase, nothing_is_left_for_the_next);
	tcase_add_test(tcase, no_descriptors);
	tcase_add_test(tcase, reset_waits_for_what_is_under_way);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
