/* SPDX-License-Identifier: MIT */
/* Connections to the first of several addresses that answers, with listeners of our own on the loopback network. */
#include "net/connect_any.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr.h"
#include "net/race.h"

#include "../suite.h"

#define WAITING 4 /* connections that fill a queue of no length */

static struct connect_any any;
static struct sockaddr_any to[4];

static void setup(void)
{
	memset(&any, 0, sizeof(any));
	any.to = to;
	any.type = SOCK_STREAM;
}

/* Stays open until the end of the process, which runs one test. */
static int hold(int fd)
{
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Binds a socket to HOST and a free port, which becomes the next address. */
static int add(const char *host)
{
	struct sockaddr_any *addr = &to[any.n++];
	int fd = hold(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	memset(addr, 0, sizeof(*addr));
	addr->len = sizeof(addr->in);
	addr->in.sin_family = AF_INET;
	ck_assert_int_eq(inet_pton(AF_INET, host, &addr->in.sin_addr), 1);
	ck_assert_int_eq(bind(fd, &addr->sa, addr->len), 0);
	ck_assert_int_eq(getsockname(fd, &addr->sa, &addr->len), 0);
	return fd;
}

static void add_good(void)
{
	ck_assert_int_eq(listen(add("127.0.0.1"), 10), 0);
}

/* A bound socket that does not listen: a connection is refused. */
static void add_refusing(void)
{
	(void)add("127.0.0.1");
}

/* The kernel drops what comes when a queue is full: nobody answers. */
static void add_silent(void)
{
	const struct sockaddr_any *addr = &to[any.n];

	ck_assert_int_eq(listen(add("127.0.0.1"), 0), 0);
	for (int i = 0; i < WAITING; i++)
		(void)connect(hold(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), &addr->sa,
			      addr->len);
}

static void expect_winner(size_t index, size_t started)
{
	struct sockaddr_any peer = {.len = sizeof(peer.ss)};
	int fd = hold(connect_any(&any));

	ck_assert_uint_eq(any.index, index);
	ck_assert_uint_eq(any.started, started);
	ck_assert_int_eq(getpeername(fd, &peer.sa, &peer.len), 0);
	ck_assert(addr_equal(&peer, &to[index]));
	ck_assert_int_eq(any.attempt[index].code, 0);
}

static void expect_failure(int code)
{
	ck_assert_int_eq(connect_any(&any), -1);
	ck_assert_msg(errno == code, "%s in place of %s", strerror(errno), strerror(code));
}

START_TEST(the_first_answers)
{
	add_good();
	add_good();
	expect_winner(0, 1);
}
END_TEST

START_TEST(a_refusal_costs_no_time)
{
	int64_t begin = clock_ms();

	add_refusing();
	add_refusing();
	add_good();
	expect_winner(2, 3);
	ck_assert_int_eq(any.attempt[0].code, ECONNREFUSED);
	ck_assert_int_eq(any.attempt[1].code, ECONNREFUSED);
	ck_assert_int_le(any.attempt[0].waited_ms, clock_ms() - begin);
}
END_TEST

START_TEST(silence_is_not_waited_for)
{
	add_silent();
	add_good();
	expect_winner(1, 2);
	ck_assert_int_eq(any.attempt[0].code, 0);
	ck_assert_int_ge(any.attempt[0].waited_ms, RACE_STAGGER_MS);
}
END_TEST

START_TEST(all_refuse)
{
	add_refusing();
	add_refusing();
	expect_failure(ECONNREFUSED);
	ck_assert_uint_eq(any.started, 2);
}
END_TEST

START_TEST(the_limit_is_for_all)
{
	int64_t begin = clock_ms();

	add_silent();
	add_silent();
	add_refusing();
	any.limit_ms = 300;
	expect_failure(ETIMEDOUT);
	ck_assert_int_ge(clock_ms() - begin, 300);
	ck_assert_uint_eq(any.started, 3); /* each was tried within it */
	ck_assert_int_eq(any.attempt[0].code, 0);
	ck_assert_int_eq(any.attempt[2].code, ECONNREFUSED);
	ck_assert_int_ge(any.attempt[0].waited_ms, 300);
}
END_TEST

START_TEST(a_family_that_the_host_lacks)
{
	memset(&to[0], 0, sizeof(to[0]));
	to[0].len = sizeof(to[0].in6);
	to[0].sa.sa_family = AF_MAX - 1; /* no socket has it */
	any.n = 1;
	add_good();
	expect_winner(1, 2);
	ck_assert_int_eq(any.attempt[0].code, EAFNOSUPPORT);
}
END_TEST

START_TEST(a_source_address)
{
	struct sockaddr_any from = {.len = sizeof(from.in)}, own = {.len = sizeof(own.ss)};
	int fd;

	from.in.sin_family = AF_INET;
	ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.7", &from.in.sin_addr), 1);
	any.from = &from;
	add_good();
	fd = hold(connect_any(&any));
	ck_assert_int_eq(getsockname(fd, &own.sa, &own.len), 0);
	ck_assert(own.in.sin_addr.s_addr == from.in.sin_addr.s_addr);
}
END_TEST

START_TEST(a_source_address_that_is_not_here)
{
	struct sockaddr_any from = {.len = sizeof(from.in)};

	from.in.sin_family = AF_INET;
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.7", &from.in.sin_addr), 1);
	any.from = &from;
	add_good();
	expect_failure(EADDRNOTAVAIL);
}
END_TEST

static struct pollfd watch;
static int n_asked;

static bool stop_at_event(void *arg)
{
	n_asked++;
	return arg == &any && watch.revents != 0;
}

START_TEST(the_caller_gives_up)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	(void)hold(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	(void)hold(ends[1]);
	watch = (struct pollfd){.fd = ends[0], .events = POLLIN};
	any.watch = &watch;
	any.stopped = stop_at_event;
	any.arg = &any;
	add_silent();
	expect_failure(ECANCELED);
	ck_assert_int_eq(watch.revents, POLLIN);
}
END_TEST

static bool stop_at_third(void *arg)
{
	(void)arg;
	watch.fd = -1;
	return ++n_asked == 3;
}

/* The state of the client may change without an event. */
START_TEST(the_caller_is_asked_now_and_then)
{
	n_asked = 0;
	watch = (struct pollfd){.fd = -1};
	any.watch = &watch;
	any.stopped = stop_at_third;
	add_silent();
	expect_failure(ECANCELED);
}
END_TEST

START_TEST(a_unix_socket_with_a_full_queue)
{
	int fd = hold(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	to[0] = (struct sockaddr_any){.len = sizeof(sa_family_t)};
	to[0].sa.sa_family = AF_UNIX;
	ck_assert_int_eq(bind(fd, &to[0].sa, to[0].len), 0);
	to[0].len = sizeof(to[0].ss);
	ck_assert_int_eq(getsockname(fd, &to[0].sa, &to[0].len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	any.n = 1;
	(void)hold(connect_any(&any));
	expect_failure(EAGAIN);
}
END_TEST

START_TEST(datagrams_on_unix_sockets_have_an_address)
{
	struct sockaddr_any own = {.len = sizeof(own.ss)};
	int fd = hold(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	to[0] = (struct sockaddr_any){.len = sizeof(sa_family_t)};
	to[0].sa.sa_family = AF_UNIX;
	ck_assert_int_eq(bind(fd, &to[0].sa, to[0].len), 0);
	to[0].len = sizeof(to[0].ss);
	ck_assert_int_eq(getsockname(fd, &to[0].sa, &to[0].len), 0);
	any.n = 1;
	any.type = SOCK_DGRAM;
	fd = hold(connect_any(&any));
	ck_assert_int_eq(getsockname(fd, &own.sa, &own.len), 0);
	ck_assert_uint_gt(own.len, sizeof(sa_family_t));
}
END_TEST

int main(void)
{
	return SUITE_RUN("connect_any", setup, the_first_answers, a_refusal_costs_no_time, silence_is_not_waited_for,
			 all_refuse, the_limit_is_for_all, a_family_that_the_host_lacks, a_source_address,
			 a_source_address_that_is_not_here, the_caller_gives_up, the_caller_is_asked_now_and_then,
			 a_unix_socket_with_a_full_queue, datagrams_on_unix_sockets_have_an_address);
}
