/* SPDX-License-Identifier: MIT */
/* Datagrams, and the moments in which a socket is shut down or its descriptor replaced. */
#include "net/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

#include "../suite.h"

ssize_t __real_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *len);
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *len);
ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

static struct datagram datagram;
static int listener, copy; /* a worker has both; an order to leave replaces the first */
static bool ordered;	   /* the order comes right after the next call */

static void take_order(void)
{
	if (ordered)
		ck_assert_int_ge(dup3(fd_dead(NULL), listener, O_CLOEXEC), 0);
}

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *len)
{
	ssize_t n = __real_recvfrom(fd, bytes, size, flags, from, len);

	take_order();
	return n;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = __real_recvmsg(fd, msg, flags);

	take_order();
	return n;
}

static void open_listener(int family, const char *host)
{
	struct sockaddr_any addr = {.len = sizeof(sa_family_t)};
	const int yes = 1;

	addr.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		addr.len = sizeof(addr.in);
		ck_assert_int_eq(inet_pton(AF_INET, host, &addr.in.sin_addr), 1);
	}
	listener = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
	if (family == AF_INET && addr.in.sin_addr.s_addr == 0)
		ck_assert_int_eq(setsockopt(listener, IPPROTO_IP, IP_PKTINFO, &yes, sizeof(yes)), 0);
	copy = fcntl(listener, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_ge(copy, 0);
	datagram_init(&datagram, copy);
}

static void check_shut(void)
{
	(void)shutdown(copy, SHUT_RDWR);
	ck_assert_int_eq(datagram_receive(listener, &datagram), -1);
	ck_assert_int_eq(errno, EINVAL);
}

static const struct {
	int family;
	const char *host; /* with 0.0.0.0 control messages are read */
	bool ordered;
} shut[] = {
	{AF_INET, "127.0.0.1", false}, {AF_INET, "127.0.0.1", true}, {AF_INET, "0.0.0.0", false},
	{AF_INET, "0.0.0.0", true},    {AF_UNIX, NULL, false},	     {AF_UNIX, NULL, true},
};

/* The call returns 0 bytes, as for an empty datagram. */
START_TEST(a_socket_that_was_shut_down_has_no_datagram)
{
	open_listener(shut[_i].family, shut[_i].host);
	ordered = shut[_i].ordered;
	check_shut();
}
END_TEST

START_TEST(an_empty_datagram)
{
	struct sockaddr_any addr = {.len = sizeof(addr.ss)};
	int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	open_listener(AF_UNIX, NULL);
	ck_assert_int_eq(getsockname(listener, &addr.sa, &addr.len), 0);
	ck_assert_int_eq(sendto(sender, "", 0, 0, &addr.sa, addr.len), 0);
	ordered = true;
	ck_assert_int_eq(datagram_receive(listener, &datagram), 0);
	ck_assert(datagram.nameless);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datagram");
	TCase *tcase = tcase_create("datagram");

	tcase_add_loop_test(tcase, a_socket_that_was_shut_down_has_no_datagram, 0, sizeof(shut) / sizeof(shut[0]));
	tcase_add_test(tcase, an_empty_datagram);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
