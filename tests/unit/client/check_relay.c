/* SPDX-License-Identifier: MIT */
/* Half-closes in both orders, much data, and a server that goes away. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

#include "../../../client/relay.h"

#include "../suite.h"

#define MUCH 3000000

static int in[2], out[2]; /* pipes: the user's ends are in[1] and out[0] */
static int near_end, far_end;
static char buf[MUCH + 1];
static struct err err;
static int64_t idle_ms;

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	near_end = pair[0];
	far_end = pair[1];
	ck_assert_int_eq(fcntl(near_end, F_SETFL, O_NONBLOCK), 0);
}

/* The relay in a process of its own; the test is the user and the server. */
static pid_t start_relay(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(far_end);
		_exit(relay_run(in[0], out[1], near_end, idle_ms, &err) == 0 ? 0 : 1);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(near_end);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static size_t read_all(int fd)
{
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(buf) && (n = read(fd, buf + got, sizeof(buf) - got)) > 0)
		got += (size_t)n;
	return got;
}

START_TEST(answer_comes_after_our_end)
{
	pid_t pid = start_relay();

	say(in[1], "question");
	(void)close(in[1]);
	ck_assert_uint_eq(read_all(far_end), 8);
	ck_assert_int_eq(memcmp(buf, "question", 8), 0);
	say(far_end, "answer");
	(void)close(far_end);
	ck_assert_uint_eq(read_all(out[0]), 6);
	ck_assert_int_eq(memcmp(buf, "answer", 6), 0);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(server_may_finish_first)
{
	pid_t pid = start_relay();

	say(far_end, "enough");
	ck_assert_int_eq(shutdown(far_end, SHUT_WR), 0);
	ck_assert_uint_eq(read_all(out[0]), 6);
	say(in[1], "and yet");
	(void)close(in[1]);
	ck_assert_uint_eq(read_all(far_end), 7);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* The user reads nothing before everything is written, which only works if neither direction stops
 * the other. */
START_TEST(directions_do_not_wait_for_each_other)
{
	struct pollfd pfd = {.fd = out[0], .events = POLLIN};
	struct pollfd room = {.fd = dup(out[1]), .events = POLLOUT};
	pid_t pid = start_relay(), writer;

	/* The pipe is not empty, so that it has no room for a large piece. */
	say(far_end, "x");
	ck_assert_int_eq(poll(&pfd, 1, -1), 1);
	writer = fork();
	ck_assert_int_ge(writer, 0);
	if (writer == 0) {
		memset(buf, 'x', sizeof(buf));
		_exit(write(far_end, buf, MUCH) == MUCH ? 0 : 1);
	}
	/* The pipe has no reader, so it fills up. */
	while (poll(&room, 1, 0) != 0)
		(void)sched_yield();
	(void)close(room.fd);
	say(in[1], "still heard");
	(void)close(in[1]);
	ck_assert_int_eq(recv(far_end, buf, 11, MSG_WAITALL), 11);
	ck_assert_uint_eq(read_all(out[0]), MUCH + 1);
	ck_assert_int_eq(status_of(writer), 0);
	ck_assert_int_eq(shutdown(far_end, SHUT_WR), 0);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(server_that_takes_nothing_is_a_failure)
{
	pid_t pid = start_relay();

	say(far_end, "no");
	(void)close(far_end);
	ck_assert_uint_eq(read_all(out[0]), 2);
	say(in[1], "please");
	ck_assert_int_eq(status_of(pid), 1);
}
END_TEST

/* Both wait for each other, and would do so for ever. */
START_TEST(silence_has_an_end)
{
	pid_t pid;

	idle_ms = 50;
	pid = start_relay();
	ck_assert_int_eq(status_of(pid), 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("relay", setup, answer_comes_after_our_end, server_may_finish_first,
			 directions_do_not_wait_for_each_other, server_that_takes_nothing_is_a_failure,
			 silence_has_an_end);
}
