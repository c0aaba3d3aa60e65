/* SPDX-License-Identifier: MIT */
/* Children and grandchildren of this process that have a socket, or do not. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/descendants.h"
#include "services/holders.h"

#include "../suite.h"

static int pair[2]; /* a descendant has pair[0] or not; it writes a byte to pair[1] when it has come to rest */

static void setup(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

/* The rest of a child's life. */
_Noreturn static void rest(bool holds)
{
	if (!holds)
		(void)close(pair[0]);
	if (write(pair[1], "x", 1) == 1)
		for (;;)
			(void)pause();
	_exit(1);
}

static void wait_for_rest(void)
{
	char byte;

	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
}

static pid_t child(bool holds)
{
	pid_t pid = fork();

	if (pid == 0)
		rest(holds);
	ck_assert_int_gt(pid, 0);
	wait_for_rest();
	return pid;
}

START_TEST(without_children)
{
	ck_assert(!descendants_are_running());
	ck_assert(!holders_are_left(pair[0]));
}
END_TEST

START_TEST(a_zombie_does_not_count)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert(!descendants_are_running());
	ck_assert(!holders_are_left(pair[0]));
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_status, 3);
}
END_TEST

START_TEST(a_child_with_the_socket)
{
	unsigned killed;

	(void)child(true);
	ck_assert(descendants_are_running());
	ck_assert(holders_are_left(pair[0]));
	ck_assert(descendants_end(&killed));
	ck_assert_uint_eq(killed, 1);
	ck_assert(!holders_are_left(pair[0]));
}
END_TEST

START_TEST(a_child_without_the_socket)
{
	(void)child(false);
	ck_assert(descendants_are_running());
	ck_assert(!holders_are_left(pair[0]));
	ck_assert(descendants_end(NULL));
}
END_TEST

/* A stopped child counts, and its parent is still told that it was stopped. */
START_TEST(a_stopped_child)
{
	siginfo_t info;
	pid_t pid = child(true);

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	ck_assert(descendants_are_running());
	ck_assert(holders_are_left(pair[0]));
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG), 0);
	ck_assert_int_eq(info.si_pid, pid);
	ck_assert(descendants_end(NULL));
}
END_TEST

/* Its parent lives and has closed the socket. */
START_TEST(a_grandchild_with_the_socket)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork() == 0)
			rest(true);
		rest(false);
	}
	wait_for_rest();
	wait_for_rest();
	ck_assert(holders_are_left(pair[0]));
	ck_assert(descendants_end(NULL));
	ck_assert(!descendants_are_running());
}
END_TEST

/* The number of the group stays taken. */
START_TEST(a_group_whose_leader_has_ended)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		if (fork() == 0)
			rest(true);
		_exit(0);
	}
	wait_for_rest();
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(descendants_have_group(pid));
	ck_assert(holders_are_left(pair[0]));
	ck_assert(descendants_end(NULL));
	ck_assert(!descendants_have_group(pid));
}
END_TEST

int main(void)
{
	return SUITE_RUN("holders", setup, without_children, a_zombie_does_not_count, a_child_with_the_socket,
			 a_child_without_the_socket, a_stopped_child, a_grandchild_with_the_socket,
			 a_group_whose_leader_has_ended);
}
