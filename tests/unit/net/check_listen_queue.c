/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/listen_queue.h"
#include "net/socket_options.h"

#include "../suite.h"

static struct sockaddr_any addr;
static struct err err;

static int open_listener(const char *text, int64_t backlog)
{
	struct socket_options options = {.mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1};
	struct listen_path path;
	struct addr parsed;
	int64_t got;
	int fd;

	ck_assert_msg(addr_parse(text, &parsed, &err) == 0, "%s", err.text);
	ck_assert_int_eq(addr_resolve(&parsed, &addr, 1, &err), 1);
	fd = listen_bind(&addr, SOCK_STREAM, false, &options, &path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(fd, backlog, &got, &err), 0);
	ck_assert_int_eq(got, backlog);
	addr.len = sizeof(addr.ss);
	ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
	return fd;
}

static int open_abstract(int i)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "unix:@check_queue.%d.%d", (int)getpid(), i);
	return open_listener(text, 7);
}

static void dial(int flags)
{
	int fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (connect(fd, &addr.sa, addr.len) < 0)
		ck_assert_int_eq(errno, EINPROGRESS);
}

static struct listen_queue ask(int fd)
{
	struct listen_queue queue = {.queued = -2};

	ck_assert_int_eq(listen_queue(fd, &queue), 0);
	return queue;
}

START_TEST(tcp_tells)
{
	int fd = open_listener("127.0.0.1:0", 7);
	struct listen_queue queue;

	ck_assert_int_eq(ask(fd).queued, 0);
	dial(0);
	dial(0);
	queue = ask(fd);
	ck_assert_int_eq(queue.queued, 2);
	ck_assert_int_eq(queue.limit, 7);
	ck_assert_int_eq(queue.drops, 0);
}
END_TEST

START_TEST(drops_are_counted)
{
	int fd = open_listener("127.0.0.1:0", 1);

	for (int i = 0; i < 6; i++)
		dial(SOCK_NONBLOCK);
	ck_assert_int_eq(ask(fd).queued, 2); /* the backlog, and one */
	ck_assert_int_gt(ask(fd).drops, 0);
}
END_TEST

START_TEST(unix_tells)
{
	int fd = open_abstract(0);
	struct listen_queue queue;

	dial(0);
	dial(0);
	dial(0);
	queue = ask(fd);
	ck_assert_int_eq(queue.queued, 3);
	ck_assert_int_eq(queue.limit, 7);
	ck_assert_int_eq(queue.drops, -1);
	ck_assert_int_ge(accept(fd, NULL, NULL), 0);
	ck_assert_int_eq(ask(fd).queued, 2);
}
END_TEST

START_TEST(what_is_no_listener_fails)
{
	struct listen_queue queue;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(listen_queue(null, &queue), -1);
	ck_assert_int_eq(listen_queue(-1, &queue), -1);
	ck_assert_int_eq(queue.queued, -1);
}
END_TEST

START_TEST(without_netlink_it_is_not_told)
{
	struct rlimit before, limit;
	int fd = open_abstract(0);

	/* the socket that open_abstract() asked through goes, and no other can be opened */
	(void)close_range((unsigned)fd + 1, ~0U, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(ask(fd).queued, -1);
	ck_assert_int_eq(ask(fd).limit, -1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0); /* sanitizers open files at the end */
	ck_assert_int_eq(ask(fd).limit, 7);
}
END_TEST

/* A child that goes on with its parent's descriptors closed, as a worker does, must not write into
 * whatever has got the number. */
START_TEST(a_child_does_not_use_its_parents_socket)
{
	int fd = open_abstract(0), status, pair[2];
	pid_t pid;

	dial(0);
	ck_assert_int_eq(ask(fd).queued, 1);
	pid = fork();
	if (pid == 0) {
		char byte;

		(void)close_range((unsigned)fd + 1, ~0U, 0);
		for (int i = 0; i < 8; i++) {
			ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
		}
		if (ask(fd).queued != 1)
			_exit(1);
		for (int i = fd + 1; i <= pair[1]; i++)
			if (recv(i, &byte, 1, MSG_DONTWAIT) >= 0)
				_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(ask(fd).queued, 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("queue", NULL, tcp_tells, drops_are_counted, unix_tells, what_is_no_listener_fails,
			 without_netlink_it_is_not_told, a_child_does_not_use_its_parents_socket);
}
