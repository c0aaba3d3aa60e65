/* SPDX-License-Identifier: MIT */
/* No client is lost at the end of a listener, while others go on knocking. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/listen_hide.h"
#include "net/listen_queue.h"
#include "net/listen_quiesce.h"
#include "net/socket_options.h"

#include "../clients.h"
#include "../suite.h"

#define ROUNDS	10
#define LOAD_MS 20

static struct sockaddr_any addr; /* where the listener of the test is */
static struct listen_path path;
static struct err err;

/* Not blocking, so that the test may look whether somebody is there. */
static int open_listener(const char *text, int64_t defer_ms)
{
	struct socket_options options = {
		.v6only = true, .mode = 0600, .defer_accept = defer_ms, .owner = (uid_t)-1, .group = (gid_t)-1};
	struct addr parsed;
	int64_t got;
	int fd;

	ck_assert_msg(addr_parse(text, &parsed, &err) == 0, "%s", err.text);
	ck_assert_int_eq(addr_resolve(&parsed, &addr, 1, &err), 1);
	fd = listen_bind(&addr, SOCK_STREAM, text[0] == '*', &options, &path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(fd, 64, &got, &err), 0);
	addr.len = sizeof(addr.ss);
	ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static const char *unix_text(void)
{
	static char text[80];

	(void)snprintf(text, sizeof(text), "unix:/tmp/check_quiesce.%d", (int)getpid());
	return text;
}

/* Where clients reach ADDR: the loopback address instead of "any"; IPv4 if V4. */
static struct sockaddr_any reach(bool v4)
{
	struct sockaddr_any to = addr;

	if (addr.sa.sa_family == AF_INET6 && v4) {
		to = (struct sockaddr_any){.len = sizeof(to.in)};
		to.in.sin_family = AF_INET;
		to.in.sin_port = addr.in6.sin6_port;
		to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (addr.sa.sa_family == AF_INET6) {
		to.in6.sin6_addr = in6addr_loopback;
	}
	return to;
}

static int dial(void)
{
	struct sockaddr_any to = reach(true);
	int fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &to.sa, to.len), 0);
	return fd;
}

/* A client that is not let in within 100 ms. */
static int cannot_dial(void)
{
	struct sockaddr_any to = reach(true);
	int fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), code;

	clients_patience(fd, SO_SNDTIMEO, 100);
	ck_assert_int_eq(connect(fd, &to.sa, to.len), -1);
	code = errno;
	(void)close(fd);
	return code;
}

static bool has_v6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	(void)close(fd);
	if (!has)
		(void)fputs("needs IPv6\n", stderr);
	return has;
}

/* From here on without any capability. False where it had none before and nothing else is needed.
 */
static void drop_privileges(void)
{
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0);
}

static void serve_for(int fd, int ms)
{
	int64_t end = clock_ms() + ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (clock_ms() < end) {
		(void)poll(&p, 1, 1);
		(void)clients_serve_one(fd);
	}
}

/* The end of a listener, as quiesce.h has it. */
static void drain_and_close(int fd)
{
	int64_t end = clock_ms() + LISTEN_HANDSHAKE_MS;

	listen_settle();
	do {
		while (clients_serve_one(fd))
			;
	} while (listen_handshakes(&addr) != 0 && clock_ms() < end);
	while (listen_pending(fd))
		(void)clients_serve_one(fd);
	(void)poll(NULL, 0, 3); /* room for somebody to slip in, if that were possible */
	(void)close(fd);
	ck_assert_int_lt(clock_ms(), end);
}

static void ends_without_loss(const char *text, bool v4, bool for_good)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open_listener(text, 0);
		struct sockaddr_any to = reach(v4);
		struct clients clients;
		int exact;

		clients_start(&clients, &to, 4);
		do
			serve_for(fd, LOAD_MS);
		while (clients.answered == 0); /* they have not even begun */
		exact = for_good ? listen_quiesce_for_good(fd, &addr) : listen_quiesce(fd, &addr);
		ck_assert_int_eq(exact, 1);
		drain_and_close(fd);
		clients_end(&clients);
		(void)listen_path_unlink(&addr, &path);
	}
}

static bool can_filter(void)
{
	int fd = open_listener("127.0.0.1:0", 0);
	bool can = listen_quiesce(fd, &addr) == 1;

	(void)close(fd);
	if (!can)
		(void)fputs("needs CAP_NET_ADMIN\n", stderr);
	return can;
}

START_TEST(filtered_v4)
{
	if (can_filter())
		ends_without_loss("127.0.0.1:0", true, false);
}
END_TEST

START_TEST(filtered_v6)
{
	if (can_filter() && has_v6())
		ends_without_loss("[::1]:0", false, false);
}
END_TEST

START_TEST(filtered_both_families)
{
	if (can_filter() && has_v6())
		ends_without_loss("*:0", true, true);
}
END_TEST

START_TEST(for_good_v4_without_privileges)
{
	drop_privileges();
	ends_without_loss("127.0.0.1:0", true, true);
}
END_TEST

START_TEST(for_good_v6_without_privileges)
{
	if (!has_v6())
		return;
	drop_privileges();
	ends_without_loss("[::1]:0", false, true);
}
END_TEST

START_TEST(for_good_both_families_without_privileges)
{
	drop_privileges();
	ends_without_loss("*:0", true, true);
}
END_TEST

START_TEST(for_good_unix)
{
	drop_privileges();
	ends_without_loss(unix_text(), false, true);
}
END_TEST

START_TEST(a_unix_queue_ends)
{
	int fd = open_listener(unix_text(), 0);

	(void)dial();
	(void)dial();
	ck_assert_int_eq(listen_quiesce_for_good(fd, &addr), 1);
	ck_assert_int_eq(cannot_dial(), ECONNREFUSED);
	ck_assert(listen_pending(fd));
	ck_assert(clients_serve_one(fd));
	ck_assert(clients_serve_one(fd));
	ck_assert(!listen_pending(fd));
	/* and a worker that waits here does not wait for ever */
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	ck_assert(!clients_serve_one(fd));
	ck_assert_int_eq(errno, EINVAL);
	(void)listen_path_unlink(&addr, &path);
}
END_TEST

/* By the backlog: what is queued stays, and at most one comes in where none is. */
START_TEST(by_backlog)
{
	int fd;

	drop_privileges();
	fd = open_listener(unix_text(), 0);
	(void)dial();
	ck_assert_int_eq(listen_quiesce(fd, &addr), 0);
	ck_assert_int_eq(cannot_dial(), EAGAIN);
	ck_assert(clients_serve_one(fd));
	(void)dial();
	ck_assert_int_eq(cannot_dial(), EAGAIN);
	(void)listen_path_unlink(&addr, &path);
}
END_TEST

/* TCP_DEFER_ACCEPT keeps a handshake open until the client has said something. */
static void handshake_gets_in(const char *text, int (*quiesce)(int, const struct sockaddr_any *))
{
	int fd = open_listener(text, 5000), client, served;
	char byte;

	client = dial();
	ck_assert_int_eq(listen_handshakes(&addr), 1);
	ck_assert_int_eq(quiesce(fd, &addr), 1);
	listen_settle();
	ck_assert(!listen_pending(fd));
	ck_assert_int_eq(listen_handshakes(&addr), 1);
	(void)cannot_dial();
	ck_assert_int_eq(send(client, "y", 1, 0), 1);
	ck_assert_int_eq(listen_handshakes(&addr), 0);
	ck_assert(listen_pending(fd));
	served = accept(fd, NULL, NULL);
	ck_assert_int_eq(recv(served, &byte, 1, 0), 1);
	ck_assert_int_eq(send(served, "x", 1, 0), 1);
	ck_assert_int_eq(recv(client, &byte, 1, 0), 1);
	(void)close(fd);
}

START_TEST(a_handshake_gets_in_past_the_filter)
{
	if (!can_filter())
		return;
	handshake_gets_in("127.0.0.1:0", listen_quiesce);
	handshake_gets_in("*:0", listen_quiesce);
}
END_TEST

START_TEST(a_handshake_gets_in_without_privileges)
{
	drop_privileges();
	handshake_gets_in("127.0.0.1:0", listen_quiesce_for_good);
	handshake_gets_in("*:0", listen_quiesce_for_good);
}
END_TEST

START_TEST(readmitted_after_quiesce)
{
	int fd = open_listener("127.0.0.1:0", 0);
	struct listen_queue queue;
	int64_t got;

	(void)dial();
	(void)listen_quiesce(fd, &addr);
	(void)cannot_dial();
	ck_assert_int_eq(listen_readmit(fd, 9, &got, &err), 0);
	ck_assert_int_eq(got, 9);
	(void)dial();
	ck_assert_int_eq(listen_queue(fd, &queue), 0);
	ck_assert_int_eq(queue.queued, 2);
}
END_TEST

static ino_t inode(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Refused meanwhile, and back with address, inode and options. */
static void refuse_and_return(const char *any, int exact)
{
	struct sockaddr_any was;
	char text[ADDR_TEXT_MAX];
	int fd = open_listener(any, 0);
	int64_t got;
	ino_t ino;

	/* a port that was asked for by number */
	(void)close(fd);
	(void)snprintf(text, sizeof(text),
		       any[0] == '*'   ? "*:%u"
		       : any[0] == '[' ? "[::1]:%u"
				       : "127.0.0.1:%u",
		       addr_port(&addr));
	fd = open_listener(text, 3000);
	was = addr;
	ino = inode(fd);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(listen_refuse(fd, &addr), exact);
		ck_assert_int_eq(cannot_dial(), ECONNREFUSED);
		addr.len = sizeof(addr.ss);
		ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
		ck_assert(addr_equal(&addr, &was));
		ck_assert_int_eq(listen_readmit(fd, 9, &got, &err), 0);
		ck_assert_int_eq(got, 9);
		ck_assert_uint_eq(inode(fd), ino);
		ck_assert_int_eq(send(dial(), "y", 1, 0), 1);
		ck_assert(clients_serve_one(fd));
	}
	(void)close(fd);
}

START_TEST(refused_for_a_while)
{
	if (!listen_hide_can_undo()) {
		(void)fputs("needs CAP_NET_RAW\n", stderr);
		return;
	}
	refuse_and_return("127.0.0.1:0", 1);
	refuse_and_return("*:0", 1);
}
END_TEST

START_TEST(refused_for_a_while_without_privileges)
{
	drop_privileges();
	refuse_and_return("127.0.0.1:0", 0);
	refuse_and_return("*:0", 0);
}
END_TEST

/* The difference between the two ways of refusing. */
START_TEST(who_is_queued_stays_or_not)
{
	bool stays = listen_hide_can_undo();
	int fd = open_listener("127.0.0.1:0", 0), client = dial();
	uint16_t port = addr_port(&addr);
	char byte;

	ck_assert_int_eq(listen_refuse(fd, &addr), stays);
	ck_assert(clients_serve_one(fd) == stays);
	if (stays) {
		ck_assert_int_eq(recv(client, &byte, 1, 0), 1);
		ck_assert_uint_eq(addr_port(&addr), port);
		drop_privileges();
		fd = open_listener("127.0.0.1:0", 0);
		client = dial();
		ck_assert_int_eq(listen_refuse(fd, &addr), 0);
	}
	ck_assert_int_eq(accept(fd, NULL, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(recv(client, &byte, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(nowhere_is_not_for_good_with_a_device)
{
	int fd = open_listener("127.0.0.1:0", 0);

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	ck_assert_int_eq(listen_hide(fd), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(listen_hide_undo(fd), 0);
	(void)dial();
	ck_assert(clients_serve_one(fd));
	drop_privileges();
	fd = open_listener("127.0.0.1:0", 0);
	ck_assert_int_eq(listen_hide(fd), 0);
	ck_assert_int_eq(listen_hide(fd), 0); /* is there already */
	ck_assert_int_eq(cannot_dial(), ECONNREFUSED);
}
END_TEST

START_TEST(unix_is_not_refused)
{
	int fd = open_listener(unix_text(), 0);

	ck_assert_int_eq(listen_refuse(fd, &addr), -1);
	ck_assert_int_eq(listen_handshakes(&addr), 0);
	(void)listen_path_unlink(&addr, &path);
}
END_TEST

int main(void)
{
	return SUITE_RUN("quiesce", NULL, filtered_v4, filtered_v6, filtered_both_families,
			 for_good_v4_without_privileges, for_good_v6_without_privileges,
			 for_good_both_families_without_privileges, for_good_unix, a_unix_queue_ends, by_backlog,
			 a_handshake_gets_in_past_the_filter, a_handshake_gets_in_without_privileges,
			 readmitted_after_quiesce, refused_for_a_while, refused_for_a_while_without_privileges,
			 who_is_queued_stays_or_not, nowhere_is_not_for_good_with_a_device, unix_is_not_refused);
}
