/* SPDX-License-Identifier: MIT */
/* Listening sockets of each kind: well, shut down, connected. */
#include "net/listen_look.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/listen_quiesce.h"

#include "../suite.h"

static struct sockaddr_any own;

static int open_at_own(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, &own.sa, own.len), 0);
	own.len = sizeof(own.ss);
	ck_assert_int_eq(getsockname(fd, &own.sa, &own.len), 0);
	return fd;
}

/* A socket that is bound to a free address, and listens if it can. */
static int open_socket(int family, int type)
{
	int fd;

	memset(&own, 0, sizeof(own));
	own.sa.sa_family = (sa_family_t)family;
	own.len = family == AF_UNIX ? sizeof(sa_family_t) : sizeof(own.in);
	fd = open_at_own(family, type);
	if (family == AF_INET) { /* only a port that was asked for outlives a connection */
		ck_assert_int_eq(close(fd), 0);
		fd = open_at_own(family, type);
	}
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

static const struct {
	int family, type;
} kinds[] = {
	{AF_INET, SOCK_STREAM},
	{AF_UNIX, SOCK_STREAM},
	{AF_INET, SOCK_DGRAM},
	{AF_UNIX, SOCK_DGRAM},
};

START_TEST(one_that_is_well)
{
	int fd = open_socket(kinds[_i].family, kinds[_i].type), client;

	ck_assert_int_eq(listen_look(fd), LISTEN_WELL);
	/* with a client in its queue */
	client = socket(kinds[_i].family, kinds[_i].type | SOCK_CLOEXEC, 0);
	if (kinds[_i].family == AF_INET)
		ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.1", &own.in.sin_addr), 1);
	ck_assert_int_eq(connect(client, &own.sa, own.len), 0);
	ck_assert_int_eq(send(client, "x", 1, 0), 1);
	ck_assert_int_eq(listen_look(fd), LISTEN_WELL);
	ck_assert_int_eq(listen_quiesce(fd, &own) >= 0, 1);
	ck_assert_int_eq(listen_look(fd), LISTEN_WELL);
}
END_TEST

START_TEST(one_that_was_shut_down)
{
	static const int hows[] = {SHUT_RDWR, SHUT_RD};

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		int fd = open_socket(kinds[_i].family, kinds[_i].type);

		(void)shutdown(fd, hows[i]); /* for UDP it says ENOTCONN, and does it */
		ck_assert_int_eq(listen_look(fd), LISTEN_SHUT);
	}
}
END_TEST

/* It listens, and each of its connections is shut down from its beginning. */
START_TEST(one_that_was_shut_down_twice)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	int fd = open_socket(AF_INET, SOCK_STREAM);

	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
	(void)shutdown(fd, SHUT_RDWR); /* it says ENOTCONN, and does it */
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(listen_look(fd), LISTEN_SHUT);
	ck_assert_int_eq(connect(fd, &nowhere, sizeof(nowhere)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(listen_look(fd), LISTEN_WELL);
}
END_TEST

START_TEST(one_that_was_connected)
{
	int peer = open_socket(kinds[_i].family, SOCK_DGRAM), fd, third;
	struct sockaddr_any to = own, before;
	char bytes[8];

	fd = open_socket(kinds[_i].family, SOCK_DGRAM);
	before = own;
	if (kinds[_i].family == AF_INET)
		ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.1", &to.in.sin_addr), 1);
	ck_assert_int_eq(connect(fd, &to.sa, to.len), 0);
	ck_assert_int_eq(listen_look(fd), LISTEN_CONNECTED);
	ck_assert_int_eq(listen_disconnect(fd), 0);
	ck_assert_int_eq(listen_look(fd), LISTEN_WELL);
	own.len = sizeof(own.ss);
	ck_assert_int_eq(getsockname(fd, &own.sa, &own.len), 0);
	ck_assert(addr_equal(&own, &before));
	/* and somebody else than the former peer is heard */
	third = socket(kinds[_i].family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (kinds[_i].family == AF_INET)
		ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.1", &own.in.sin_addr), 1);
	ck_assert_int_eq(sendto(third, "x", 1, 0, &own.sa, own.len), 1);
	ck_assert_int_eq(recv(fd, bytes, sizeof(bytes), 0), 1);
	ck_assert_int_ge(peer, 0);
}
END_TEST

/* 1 is the loopback interface; the kernel forgets it when a socket is disconnected. */
START_TEST(the_interface_is_kept)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM), interface = 1;
	socklen_t len = sizeof(interface);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, sizeof(interface)) < 0)
		return; /* an old kernel, or no right to it */
	ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.1", &own.in.sin_addr), 1);
	ck_assert_int_eq(connect(fd, &own.sa, own.len), 0);
	ck_assert_int_eq(listen_disconnect(fd), 0);
	interface = 0;
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, &len), 0);
	ck_assert_int_eq(interface, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listen_look");
	TCase *tcase = tcase_create("listen_look");

	tcase_add_loop_test(tcase, one_that_is_well, 0, 4);
	tcase_add_loop_test(tcase, one_that_was_shut_down, 0, 4);
	tcase_add_test(tcase, one_that_was_shut_down_twice);
	tcase_add_loop_test(tcase, one_that_was_connected, 2, 4);
	tcase_add_test(tcase, the_interface_is_kept);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
