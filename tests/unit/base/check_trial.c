/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/trial.h"

#include "../suite.h"

#define LIMIT_MS 500
#define AMPLE_MS 15000

static sd_event *event;
static struct trial trial;
static struct err err;
static int calls;

static void done(struct trial *it, void *userdata)
{
	ck_assert_ptr_eq(it, &trial);
	ck_assert_ptr_eq(userdata, &calls);
	ck_assert_int_eq(it->pid, 0);
	calls++;
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	int status;
	pid_t pid;

	(void)source;
	(void)info;
	(void)userdata;
	while ((pid = child_reap_any(&status, NULL)) > 0)
		(void)trial_reaped(&trial, pid, status);
	return 0;
}

static void setup(void)
{
	sigset_t block;

	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_ge(sd_event_add_signal(event, NULL, SIGCHLD, on_child, NULL), 0);
}

static void start(int (*run)(void *arg, int out), void *arg, int64_t limit_ms)
{
	ck_assert_int_eq(trial_start(&trial, event, run, arg, limit_ms, done, &calls, &err), 0);
}

/* To its end, with everything that may be reported twice. */
static void finish(void)
{
	int64_t end = clock_ms() + AMPLE_MS;

	while (calls == 0 && clock_ms() < end)
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	ck_assert_int_eq(calls, 1);
	(void)sd_event_run(event, 1000);
	ck_assert_int_eq(calls, 1);
}

static void put_away(void)
{
	trial_clear(&trial);
	trial_clear(&trial);
	(void)sd_event_unref(event);
}

static int say(void *arg, int out)
{
	return write(out, arg, strlen(arg)) > 0 ? 7 : 1;
}

START_TEST(what_it_says_and_how_it_ends)
{
	start(say, (void *)(uintptr_t) "hello\n", AMPLE_MS);
	finish();
	ck_assert_str_eq(trial.text, "hello\n");
	ck_assert_uint_eq(trial.len, 6);
	ck_assert(WIFEXITED(trial.status) && WEXITSTATUS(trial.status) == 7 && !trial.late);
	put_away();
}
END_TEST

static int kill_oneself(void *arg, int out)
{
	(void)arg;
	(void)!write(out, "half", 4);
	(void)raise(SIGKILL);
	return 0;
}

START_TEST(it_dies)
{
	start(kill_oneself, NULL, AMPLE_MS);
	finish();
	ck_assert_str_eq(trial.text, "half");
	ck_assert(WIFSIGNALED(trial.status) && !trial.late);
	put_away();
}
END_TEST

__attribute__((noreturn)) static int hang(void *arg, int out)
{
	(void)arg;
	(void)out;
	for (;;)
		(void)pause();
}

START_TEST(it_hangs)
{
	int64_t begin = clock_ms();

	start(hang, NULL, LIMIT_MS);
	finish();
	ck_assert(trial.late && WIFSIGNALED(trial.status));
	ck_assert_int_ge(clock_ms() - begin, LIMIT_MS);
	put_away();
}
END_TEST

static int flood(void *arg, int out)
{
	static char block[65536];

	(void)arg;
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 3 * TRIAL_TEXT_MAX / (int)sizeof(block); i++)
		if (write(out, block, sizeof(block)) < 0)
			return 1;
	return 0;
}

START_TEST(it_floods)
{
	start(flood, NULL, AMPLE_MS);
	finish();
	ck_assert_uint_eq(trial.len, TRIAL_TEXT_MAX);
	ck_assert_uint_eq(strlen(trial.text), TRIAL_TEXT_MAX);
	ck_assert(WIFEXITED(trial.status) && WEXITSTATUS(trial.status) == 0);
	put_away();
}
END_TEST

/*
 * Ends, and leaves somebody who holds the pipe, and says its pid there; ARG: of another session. It ends only when
 * that is so: before, the other still is in its group, and would go with it.
 */
static int leave_behind(void *arg, int out)
{
	int there[2];
	char byte;

	if (pipe2(there, O_CLOEXEC) < 0)
		return 1;
	if (fork() == 0) {
		if (arg != NULL)
			(void)setsid();
		(void)dprintf(out, "%d\n", (int)getpid());
		(void)signal(SIGALRM, SIG_DFL); /* the test library's handler does not end us */
		(void)alarm(2 * AMPLE_MS / 1000);
		(void)!write(there[1], "", 1);
		hang(NULL, out);
	}
	return read(there[0], &byte, 1) == 1 ? 3 : 1;
}

START_TEST(what_it_leaves_in_its_group_goes_with_it)
{
	int64_t begin = clock_ms();

	start(leave_behind, NULL, AMPLE_MS);
	finish();
	ck_assert_int_lt(clock_ms() - begin, AMPLE_MS);
	ck_assert(!trial.late && WEXITSTATUS(trial.status) == 3);
	put_away();
}
END_TEST

START_TEST(what_has_left_its_group_is_not_waited_for)
{
	start(leave_behind, &calls, LIMIT_MS);
	finish();
	ck_assert(trial.late && WEXITSTATUS(trial.status) == 3);
	ck_assert_int_eq(kill(atoi(trial.text), SIGKILL), 0);
	put_away();
}
END_TEST

START_TEST(ended_without_a_call)
{
	pid_t pid;
	int status;

	start(hang, NULL, AMPLE_MS);
	pid = trial.pid;
	ck_assert(!trial_reaped(&trial, pid + 1, 0));
	trial_clear(&trial);
	ck_assert(child_is_ours(pid));
	status = child_wait(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert(!child_is_ours(pid));
	ck_assert(!trial_reaped(&trial, pid, status));
	ck_assert_int_eq(calls, 0);
	put_away();
}
END_TEST

int main(void)
{
	return SUITE_RUN("trial", setup, what_it_says_and_how_it_ends, it_dies, it_hangs, it_floods,
			 what_it_leaves_in_its_group_goes_with_it, what_has_left_its_group_is_not_waited_for,
			 ended_without_a_call);
}
