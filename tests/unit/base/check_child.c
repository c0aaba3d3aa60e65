/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"

#include "../suite.h"

#define AMPLE_MS 10000

__attribute__((noreturn)) static void hang(void)
{
	(void)signal(SIGALRM, SIG_DFL); /* the test library's handler does not end us */
	(void)alarm(30);
	for (;;)
		(void)pause();
}

static pid_t start_hanging(void)
{
	pid_t pid = child_fork();

	if (pid == 0)
		hang();
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* Waits until PID is gone, or is a zombie of somebody else. */
static bool is_gone(pid_t pid)
{
	int64_t end = clock_ms() + AMPLE_MS;

	while (clock_ms() < end) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		(void)waitpid(pid, NULL, WNOHANG); /* we are the subreaper */
		(void)usleep(10000);
	}
	return false;
}

/* Until PID leads a session, or for a long time. */
static void await_session(pid_t pid)
{
	int64_t end = clock_ms() + AMPLE_MS;

	while (getsid(pid) != pid && clock_ms() < end)
		(void)usleep(1000);
	ck_assert_int_eq(getsid(pid), pid);
}

START_TEST(leads_a_session_of_its_own)
{
	pid_t pid = start_hanging();

	await_session(pid);
	ck_assert_int_eq(getpgid(pid), pid);
	child_kill(pid);
	ck_assert(WIFSIGNALED(child_wait(pid)));
}
END_TEST

START_TEST(several_are_ours_until_reaped)
{
	enum { MANY = 40 };
	pid_t pids[MANY];

	ck_assert(!child_is_ours(getppid()));
	for (int i = 0; i < MANY; i++)
		pids[i] = start_hanging();
	for (int i = 0; i < MANY; i++) {
		ck_assert(child_is_ours(pids[i]));
		child_kill(pids[i]);
		ck_assert_msg(child_is_ours(pids[i]), "a zombie is ours, too");
		ck_assert_int_eq(child_wait(pids[i]), SIGKILL);
		ck_assert(!child_is_ours(pids[i]));
	}
}
END_TEST

/* A status of its own is kept: child_wait() does not kill a child that still runs. */
START_TEST(wait_gives_its_status)
{
	pid_t pid = child_fork();

	if (pid == 0) {
		(void)usleep(100000);
		_exit(7);
	}
	pid = child_wait(pid);
	ck_assert(WIFEXITED(pid) && WEXITSTATUS(pid) == 7);
	ck_assert_int_eq(child_wait(1), 0);
}
END_TEST

/* The rest of the group ends with its leader, however the leader is reaped. */
static void leave_one_behind(int how)
{
	int ends[2], status = 0;
	pid_t pid, left = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid = child_fork();
	if (pid == 0) {
		left = fork();
		if (left == 0)
			hang();
		_exit(write(ends[1], &left, sizeof(left)) == sizeof(left) ? 3 : 1);
	}
	ck_assert_int_eq(read(ends[0], &left, sizeof(left)), sizeof(left));
	if (how == 0) {
		status = child_wait(pid);
	} else {
		pid_t reaped;

		while ((reaped = child_reap_any(&status, NULL)) == 0)
			(void)usleep(1000);
		ck_assert_int_eq(reaped, pid);
	}
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	ck_assert(!child_is_ours(pid));
	ck_assert(is_gone(left));
}

START_TEST(wait_ends_the_group)
{
	leave_one_behind(0);
}
END_TEST

START_TEST(reap_any_ends_the_group)
{
	leave_one_behind(1);
}
END_TEST

START_TEST(reap_any_takes_all_kinds)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(child_reap_any(&status, NULL), -1);
	ck_assert_int_eq(errno, ECHILD);
	pid = fork();
	if (pid == 0)
		hang();
	ck_assert_int_eq(child_reap_any(&status, NULL), 0);
	child_kill(pid); /* not in the list: nothing happens */
	(void)usleep(100000);
	ck_assert_int_eq(child_reap_any(&status, NULL), 0);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	while (child_reap_any(&status, NULL) == 0)
		(void)usleep(1000);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}
END_TEST

START_TEST(forked_process_has_no_children)
{
	pid_t pid = start_hanging(), other = fork();

	if (other == 0) {
		child_kill(pid); /* its parent's child, not its own */
		_exit(child_is_ours(pid) ? 1 : 0);
	}
	ck_assert_int_eq(child_wait(other), 0);
	ck_assert(child_is_ours(pid));
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	child_kill(pid);
	ck_assert_int_eq(child_wait(pid), SIGKILL);
}
END_TEST

START_TEST(dies_with_its_parent)
{
	int ends[2];
	pid_t parent, child = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		child = start_hanging();
		if (write(ends[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		hang();
	}
	ck_assert_int_eq(read(ends[0], &child, sizeof(child)), sizeof(child));
	(void)usleep(100000); /* until it has called prctl(2) */
	ck_assert_int_eq(kill(child, 0), 0);
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert(is_gone(child));
}
END_TEST

START_TEST(bind_sees_a_dead_parent)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(child_bind(getpid(), SIGKILL) < 0 && errno == ESRCH ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("child", NULL, leads_a_session_of_its_own, several_are_ours_until_reaped,
			 wait_gives_its_status, wait_ends_the_group, reap_any_ends_the_group, reap_any_takes_all_kinds,
			 forked_process_has_no_children, dies_with_its_parent, bind_sees_a_dead_parent);
}
