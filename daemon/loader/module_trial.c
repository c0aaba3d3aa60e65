/* SPDX-License-Identifier: MIT */
#include "loader/module_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "services/descendants.h"

#define LIMIT_MS  10000
#define STEP_MS	  100
#define EXIT_MUTE 117 /* exit status of the child if its pipe is closed */

static int out_fd = -1;

/* To the parent: "\n.STEP" when a step begins; at the end "\n+", or "\n-" and the reason. */
static void send_line(char kind, const char *text)
{
	char message[2 + sizeof(((struct err *)0)->text)];
	int n = snprintf(message, sizeof(message), "\n%c%s", kind, text);

	for (char *p = message + 1; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	if (write(out_fd, message, (size_t)n < sizeof(message) ? (size_t)n : sizeof(message) - 1) < 0)
		_exit(EXIT_MUTE);
}

void module_trial_step(const char *what)
{
	send_line('.', what);
}

_Noreturn static void run_child(int (*steps)(void *arg, struct err *err), void *arg, int out)
{
	struct err err = {.text = ""};
	int rc;

	/* what leaves our group, and loses its parent, is still found, and ended */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	out_fd = out;
	rc = steps(arg, &err);
	(void)descendants_end(NULL);
	if (rc == 0)
		send_line('+', "");
	else
		send_line('-', err.text);
	_exit(EXIT_SUCCESS);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Reads until the child has sent its last line or has ended. False: its time is over. */
static bool read_lines(pid_t pid, int fd, char *text, size_t size)
{
	int64_t end = clock_ms() + LIMIT_MS, now;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char scrap[512];
	size_t len = 0;

	while ((now = clock_ms()) < end) {
		ssize_t n;

		if (poll(&p, 1, (int)(end - now < STEP_MS ? end - now : STEP_MS)) <= 0) {
			if (has_ended(pid)) /* a process that it left behind may keep the pipe open */
				return true;
			continue;
		}
		n = read(fd, len + 1 < size ? text + len : scrap, len + 1 < size ? size - 1 - len : sizeof(scrap));
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return true;
		if (n > 0 && len + 1 < size)
			len += (size_t)n;
		text[len] = '\0';
		/* that was the last line; a process that it left behind may keep the pipe open */
		if (strstr(text, "\n+") != NULL || strstr(text, "\n-") != NULL)
			return true;
	}
	return false;
}

static int judge_child(char *text, int status, bool late, struct err *err)
{
	char *last = strrchr(text, '\n'), limit[32];
	const char *step = last != NULL && last[1] == '.' ? last + 2 : "before it was loaded";

	if (last != NULL && last[1] == '+')
		return 0;
	if (last != NULL && last[1] == '-')
		return err_set(err, "%s", last + 2);
	if (late) {
		format_duration(LIMIT_MS, limit, sizeof(limit));
		return err_set(err, "did not return within %s %s", limit, step);
	}
	if (WIFSIGNALED(status))
		return err_set(err, "crashed (SIG%s) %s", sigabbrev_np(WTERMSIG(status)), step);
	if (WEXITSTATUS(status) == EXIT_MUTE)
		return err_set(err, "closed descriptors that were not its own, %s", step);
	return err_set(err, "ended the process (exit status %d) %s", WEXITSTATUS(status), step);
}

int module_trial_run(int (*steps)(void *arg, struct err *err), void *arg, struct err *err)
{
	pid_t pid;
	char text[1024] = "";
	int ends[2], status;
	bool late;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot create a pipe");
	(void)fflush(NULL); /* a child that calls exit() would write it again */
	pid = child_fork();
	if (pid == 0)
		run_child(steps, arg, ends[1]);
	if (pid < 0)
		(void)err_sys(err, "cannot fork");
	fd_close(&ends[1]);
	if (pid < 0) {
		fd_close(&ends[0]);
		return -1;
	}
	late = !read_lines(pid, ends[0], text, sizeof(text));
	fd_close(&ends[0]);
	if (late || strstr(text, "\n+") != NULL || strstr(text, "\n-") != NULL)
		child_kill(pid);
	status = child_wait(pid);
	return judge_child(text, status, late, err);
}
