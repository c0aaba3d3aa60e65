/* SPDX-License-Identifier: MIT */
#include "master/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/exit_text.h"
#include "base/fds.h"

static int ready_fd = -1, terminal_fd = -1;

/* Old process: waits until the daemon is ready (one byte) or ends (end of file), and exits accordingly. */
_Noreturn static void wait_for_daemon(int fd, pid_t pid)
{
	char byte, how[96];
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EX_OK);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			_exit(EX_OSERR);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status)); /* it has said why */
	exit_text(status, how, sizeof(how));
	(void)fprintf(stderr, "preforkd: the daemon %s before it was ready\n", how);
	_exit(EX_OSERR);
}

/* Makes the sockets that were handed to the old process (sd_listen_fds(3)) ours. */
static void take_over_listen_fds(void)
{
	const char *text = getenv("LISTEN_PID");
	char pid[16];

	if (text == NULL || strtol(text, NULL, 10) != getppid())
		return;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
}

int background_start(struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot create a pipe");
	pid = fork();
	if (pid < 0) {
		(void)err_sys(err, "cannot go into the background");
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return -1;
	}
	if (pid > 0) {
		fd_close(&ends[1]);
		wait_for_daemon(ends[0], pid);
	}
	fd_close(&ends[0]);
	ready_fd = ends[1];
	take_over_listen_fds();
	(void)setsid(); /* fails only for a group leader, which a new process is not */
	/* Workers inherit standard error: with the terminal or a pipe there, they would keep it open. */
	terminal_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (terminal_fd < 0)
		return err_sys(err, "cannot keep standard error");
	return fd_null(STDERR_FILENO, err) < 0 ? -1 : terminal_fd;
}

void background_ready(void)
{
	(void)!write(ready_fd, "", 1);
	fd_close(&ready_fd);
	fd_close(&terminal_fd);
}
