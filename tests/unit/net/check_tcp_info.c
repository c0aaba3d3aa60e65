/* SPDX-License-Identifier: MIT */
/* The kernel's facts about a connection, on loopback. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/tcp_info.h"

#include "../suite.h"

static int listener, client, fd;

static void setup(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&in, len), 0);
}

static void take(void)
{
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
}

/* All that the client has done has come here. */
static void wait_readable(void)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

	ck_assert_int_eq(poll(&p, 1, 10000), 1);
}

START_TEST(the_time_in_the_queue_is_known)
{
	int64_t start = clock_ms(), ms = -1;
	bool heard = true;

	(void)usleep(200000); /* the time is what is tested */
	take();
	ck_assert_int_eq(tcp_info_queued(fd, &ms, &heard), 0);
	ck_assert(!heard);
	ck_assert_int_ge(ms, 190);
	ck_assert_int_le(ms, clock_ms() - start + 20);
}
END_TEST

START_TEST(a_byte_is_seen)
{
	int64_t ms;
	bool heard = false;

	ck_assert_int_eq(send(client, "x", 1, 0), 1);
	take();
	wait_readable();
	ck_assert_int_eq(tcp_info_queued(fd, &ms, &heard), 0);
	ck_assert(heard);
}
END_TEST

/* Its end takes a number in the sequence, and is no byte; but who has finished is not silent. */
START_TEST(the_end_is_no_byte)
{
	int64_t ms;
	bool heard = false;
	struct tcp_traffic traffic;

	(void)shutdown(client, SHUT_WR);
	take();
	wait_readable();
	ck_assert_int_eq(tcp_info_queued(fd, &ms, &heard), 0);
	ck_assert(heard);
	ck_assert_int_eq(tcp_info_traffic(fd, &traffic), 0);
	ck_assert(traffic.peer_done);
	ck_assert_uint_eq(traffic.in, 0);
}
END_TEST

START_TEST(other_sockets_have_none)
{
	int64_t ms;
	bool heard;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(tcp_info_queued(pair[0], &ms, &heard), -1);
	ck_assert_int_eq(tcp_info_queued(-1, &ms, &heard), -1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("tcp_info", setup, the_time_in_the_queue_is_known, a_byte_is_seen, the_end_is_no_byte,
			 other_sockets_have_none);
}
