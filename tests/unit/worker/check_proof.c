/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/signals.h"
#include "board/board.h"
#include "worker/contract.h"
#include "worker/orders.h"
#include "worker/proof.h"

#include "../suite.h"

enum { PASSED = 10, TURNED_AWAY = 11 };

static int ends[2]; /* [0]: the master's; [1]: the worker's */
static struct board_slot slot;
static pid_t worker;

/* Forks a child that waits as a worker does. */
static void setup(void)
{
	sigset_t all;
	struct err err;
	int dead = fd_dead(&err);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	worker = fork();
	if (worker == 0) {
		(void)close(ends[0]);
		orders_init(open("/dev/null", O_RDONLY | O_CLOEXEC), dead,
			    &(struct orders){.master = getppid(), .slot = &slot});
		_exit(proof_wait(ends[1]) ? PASSED : TURNED_AWAY);
	}
	(void)close(ends[1]);
}

static void expect(int wanted)
{
	int status;

	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), wanted);
}

static void proven(void)
{
	char byte[2];

	ck_assert_int_eq(recv(ends[0], byte, sizeof(byte), 0), 1);
	ck_assert_int_eq(byte[0], PROOF_PROVEN);
}

START_TEST(go)
{
	const char byte = PROOF_GO;

	proven();
	ck_assert_int_eq(send(ends[0], &byte, 1, 0), 1);
	expect(PASSED);
}
END_TEST

START_TEST(anything_else_is_no)
{
	proven();
	ck_assert_int_eq(send(ends[0], "?", 1, 0), 1);
	expect(TURNED_AWAY);
}
END_TEST

START_TEST(the_end_is_no)
{
	proven();
	(void)close(ends[0]);
	expect(TURNED_AWAY);
}
END_TEST

START_TEST(nobody_there_from_the_beginning)
{
	(void)close(ends[0]);
	expect(TURNED_AWAY);
}
END_TEST

START_TEST(told_to_leave)
{
	proven();
	ck_assert_int_eq(kill(worker, WORKER_SIGNAL_RETIRE), 0);
	expect(TURNED_AWAY);
}
END_TEST

START_TEST(told_to_leave_before_it_is_there)
{
	ck_assert_int_eq(kill(worker, WORKER_SIGNAL_RETIRE), 0);
	expect(TURNED_AWAY);
}
END_TEST

START_TEST(a_failure_has_a_reason)
{
	char text[2 * PROOF_TEXT_MAX], got[4 * PROOF_TEXT_MAX];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	proof_fail(pair[1], "no such user");
	ck_assert_int_eq(recv(pair[0], got, sizeof(got), 0), 13);
	ck_assert_int_eq(memcmp(got, "-no such user", 13), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	proof_fail(pair[1], text);
	ck_assert_int_eq(recv(pair[0], got, sizeof(got), 0), 1 + PROOF_TEXT_MAX);
	(void)close(pair[0]);
	proof_fail(pair[1], "nobody hears it"); /* and no SIGPIPE either */
	(void)close(ends[0]);
	expect(TURNED_AWAY);
}
END_TEST

int main(void)
{
	return SUITE_RUN("hold", setup, go, anything_else_is_no, the_end_is_no, nobody_there_from_the_beginning,
			 told_to_leave, told_to_leave_before_it_is_there, a_failure_has_a_reason);
}
