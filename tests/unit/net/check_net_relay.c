/* SPDX-License-Identifier: MIT */
/* Two pairs of sockets; a process in the middle relays, the test is at both far ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/signals.h"
#include "net/addr.h"
#include "net/relay.h"

#include "../suite.h"

#define MUCH (10 * 1024 * 1024)

struct seen { /* of the process in the middle */
	uint64_t in, out;
	int code;
	long cpu_ms;
	bool end; /* the test wants it to */
	bool cut_after_look;
};

static struct seen *seen;
static pid_t middle;
static int client = -1, server = -1; /* our ends */
static int relayed = -1;	     /* the relay's end of the client */
static char *sent, *got;

static void tcp_pair(int family, int *a, int *b)
{
	struct sockaddr_any addr = {.len = sizeof(addr.in)};
	int listener;

	if (family == AF_UNIX) {
		int both[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
		*a = both[0];
		*b = both[1];
		return;
	}
	addr.in.sin_family = AF_INET;
	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &addr.sa, &addr.len), 0);
	*a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(*a, &addr.sa, addr.len), 0);
	*b = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)close(listener);
}

static void moved(void *arg, uint64_t in, uint64_t out, enum relay_wait wait)
{
	(void)arg;
	(void)wait;
	seen->in += in;
	seen->out += out;
}

static bool ended(void *arg)
{
	bool end = seen->end;

	(void)arg;
	if (seen->cut_after_look) { /* a signal comes just now */
		seen->end = true;
		(void)shutdown(relayed, SHUT_RDWR);
	}
	return end;
}

static void on_usr1(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

static long cpu_ms(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* As proxy.c does it: a failure of one side resets the other. */
static enum relay_end relay(int down, int up)
{
	struct relay relay = {.client = down, .upstream = up, .moved = moved, .ended = ended};
	enum relay_end end;

	relayed = down;
	(void)fcntl(up, F_SETFL, O_NONBLOCK);
	end = relay_carry(&relay);
	seen->code = relay.code;
	seen->cpu_ms = cpu_ms();
	if (end != RELAY_DONE) {
		relay_reset(&down);
		relay_reset(&up);
	}
	fd_close(&down);
	fd_close(&up);
	return end;
}

static void start(int family)
{
	int down, up;

	tcp_pair(family, &client, &down);
	tcp_pair(family, &server, &up);
	middle = fork();
	if (middle == 0) {
		(void)close(client);
		(void)close(server);
		_exit((int)relay(down, up));
	}
	(void)close(down);
	(void)close(up);
}

static enum relay_end finish(void)
{
	int status;

	ck_assert_int_eq(waitpid(middle, &status, 0), middle);
	middle = -1;
	ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
	return (enum relay_end)WEXITSTATUS(status);
}

static void setup(void)
{
	signals_harmless();
	signals_handle(SIGUSR1, on_usr1);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	sent = malloc(MUCH);
	got = malloc(MUCH);
	ck_assert(sent != NULL && got != NULL);
	srandom(7);
	for (size_t i = 0; i < MUCH / sizeof(int); i++)
		((int *)(void *)sent)[i] = (int)random();
	(void)alarm(0);
}

static void teardown(void)
{
	if (middle > 0) {
		(void)kill(middle, SIGKILL);
		(void)waitpid(middle, NULL, 0);
	}
	fd_close(&client);
	fd_close(&server);
	free(sent);
	free(got);
}

static void send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		data += n;
		size -= (size_t)n;
	}
}

/* As much as comes until the end, at most SIZE. */
static size_t read_to_end(int fd, char *data, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = recv(fd, data + used, size - used, 0);

		ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return used;
}

static void expect(int fd, const char *text)
{
	char buf[64];
	size_t len = strlen(text);

	ck_assert_int_eq(recv(fd, buf, len, MSG_WAITALL), (ssize_t)len);
	ck_assert_int_eq(memcmp(buf, text, len), 0);
}

static void expect_end(int fd)
{
	char c;

	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
}

static void expect_reset(int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n > 0);
	ck_assert_msg(n < 0 && errno == ECONNRESET, "%zd %s", n, strerror(errno));
}

static const int families[] = {AF_INET, AF_UNIX};

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

/* Whatever was read is sent before there is a wait: the other side may say nothing more until it has it all. */
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

/* Who does not read makes the other one wait: what is held is bounded. */
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

/* Who resets the connection because it did not want all may have said why before. */
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

/* What was under way when a connection broke is not for the next one. */
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

/* What the peer has not got yet is not thrown away by a reset, if it takes it soon. */
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
