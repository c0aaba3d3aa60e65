/* SPDX-License-Identifier: MIT */
/*
 * The moment between "shall I leave?" and accept(2). accept4 is wrapped (see local.mk), so that the test
 * can act exactly there, and can make it fail as the kernel would.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "board/board.h"
#include "net/addr.h"
#include "worker/contract.h"
#include "worker/orders.h"
#include "worker/wait.h"

#include "../suite.h"

int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

static struct board_slot slot;
static int calls;
static int signal_in_window; /* raised before the real call */
static const int *fail_with; /* errno values, 0 ends */
static struct board_head head;
static int listener;
static struct sockaddr_any self;

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	calls++;
	if (fail_with != NULL && *fail_with != 0) {
		errno = *fail_with++;
		return -1;
	}
	if (signal_in_window != 0) {
		int sig = signal_in_window;

		signal_in_window = 0;
		(void)raise(sig);
	}
	return __real_accept4(fd, addr, len, flags);
}

static void setup(void)
{
	self = (struct sockaddr_any){.len = sizeof(self.in)};
	self.in.sin_family = AF_INET;
	self.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, &self.sa, self.len), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, &self.sa, &self.len), 0);
	head = (struct board_head){.rung = 0};
	calls = 0;
	orders_init(listener, fd_dead(NULL), &(struct orders){.master = getppid(), .slot = &slot});
	log_set_level(LOG_EMERG);
}

static int client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &self.sa, self.len), 0);
	return fd;
}

static enum wait_result wait_for_client(int *fd_out)
{
	struct sockaddr_any peer;

	return wait_client(listener, &head, "test", fd_out, &peer);
}

/* Without the dead descriptor this blocks for ever, and Check's time limit fails it. */
START_TEST(an_order_between_test_and_accept_is_not_lost)
{
	int sharer = dup(listener), fd;

	signal_in_window = WORKER_SIGNAL_RETIRE;
	ck_assert_int_eq(wait_for_client(&fd), WAIT_LEAVE);
	ck_assert_int_eq(calls, 1);
	/* the socket itself, which others hold, still takes clients */
	(void)client();
	ck_assert_int_ge(__real_accept4(sharer, NULL, NULL, 0), 0);
}
END_TEST

START_TEST(the_dead_descriptor_stays_close_on_exec)
{
	int fd;

	signal_in_window = WORKER_SIGNAL_RETIRE;
	ck_assert_int_eq(wait_for_client(&fd), WAIT_LEAVE);
	ck_assert_int_ne(fcntl(listener, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

/* Sends the order as soon as the process sleeps in accept(2) (its state in /proc is S). */
static void order_when_asleep(pid_t pid)
{
	char path[64], stat[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, stat, sizeof(stat) - 1);

		(void)close(fd);
		stat[n > 0 ? n : 0] = '\0';
		if (strstr(stat, ") S ") != NULL)
			break;
		(void)sched_yield();
	}
	(void)kill(pid, WORKER_SIGNAL_RETIRE);
}

START_TEST(an_order_ends_a_blocked_accept)
{
	pid_t pid = fork();
	int status, fd;

	if (pid == 0)
		_exit(wait_for_client(&fd) == WAIT_LEAVE ? 0 : 1);
	order_when_asleep(pid);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_client_accepted_before_the_order_is_served)
{
	int fd = -1;

	(void)client();
	ck_assert_int_eq(wait_for_client(&fd), WAIT_CLIENT);
	ck_assert_int_ge(fd, 0);
	ck_assert(!orders_to_leave());
}
END_TEST

START_TEST(passing_errors_are_tried_again)
{
	static const int errors[] = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH, EPERM, EINTR, 0};
	int fd;

	fail_with = errors;
	(void)client();
	ck_assert_int_eq(wait_for_client(&fd), WAIT_CLIENT);
	ck_assert_int_eq(calls, 8);
}
END_TEST

START_TEST(lack_of_resources_pauses)
{
	static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, 0};
	int64_t begin = clock_ms();
	int fd;

	fail_with = errors;
	(void)client();
	ck_assert_int_eq(wait_for_client(&fd), WAIT_CLIENT);
	/* 50 + 100 + 200 + 400: it did not spin */
	ck_assert_int_ge(clock_ms() - begin, 700);
}
END_TEST

START_TEST(a_pause_ends_with_an_order)
{
	static const int errors[] = {EMFILE, EMFILE, EMFILE, EMFILE, EMFILE, EMFILE, EMFILE,
				     EMFILE, EMFILE, EMFILE, EMFILE, EMFILE, EMFILE, 0};
	pid_t pid = fork();
	int status, fd;

	fail_with = errors;
	if (pid == 0)
		_exit(wait_for_client(&fd) == WAIT_LEAVE ? 0 : 1);
	order_when_asleep(pid);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_broken_listener_is_said)
{
	static const int errors[] = {EINVAL, 0};
	int fd;

	fail_with = errors;
	ck_assert_int_eq(wait_for_client(&fd), WAIT_BROKEN);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_non_blocking_listener_is_waited_for)
{
	pid_t pid = fork();
	int status, fd;

	if (pid == 0) {
		(void)fcntl(listener, F_SETFL, O_NONBLOCK);
		if (wait_for_client(&fd) != WAIT_CLIENT)
			_exit(1);
		/* one call found nothing, one the client; a spinning worker has thousands */
		_exit(calls <= 3 ? 0 : 2);
	}
	(void)usleep(200000); /* the time in which it could spin */
	(void)client();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(an_order_ends_the_wait_on_a_non_blocking_listener)
{
	pid_t pid = fork();
	int status, fd;

	if (pid == 0) {
		(void)fcntl(listener, F_SETFL, O_NONBLOCK);
		_exit(wait_for_client(&fd) == WAIT_LEAVE ? 0 : 1);
	}
	order_when_asleep(pid);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("wait", setup, an_order_between_test_and_accept_is_not_lost,
			 the_dead_descriptor_stays_close_on_exec, an_order_ends_a_blocked_accept,
			 a_client_accepted_before_the_order_is_served, passing_errors_are_tried_again,
			 lack_of_resources_pauses, a_pause_ends_with_an_order, a_broken_listener_is_said,
			 a_non_blocking_listener_is_waited_for, an_order_ends_the_wait_on_a_non_blocking_listener);
}
