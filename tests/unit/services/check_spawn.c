/* SPDX-License-Identifier: MIT */
/* The surroundings of a program when it starts, as a real program sees them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/signals.h"
#include "services/spawn.h"

#include "../suite.h"

static int sockets[2], errors[2];
static struct err err;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	ck_assert_int_eq(pipe2(errors, O_CLOEXEC), 0);
	signals_harmless();
	(void)signal(SIGTTOU, SIG_IGN); /* inherited as ignored */
	spawn_init();
}

static pid_t start_program(char *const *argv, int *pidfd_out)
{
	char *envp[] = {(char *)"PATH=/usr/bin:/bin", (char *)"ONLY=this", NULL};
	struct spawn spawn = {.path = argv[0],
			      .argv = argv,
			      .envp = envp,
			      .socket = sockets[1],
			      .errors = errors[1],
			      .group = -1,
			      .group_procs = -1};
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = spawn_program(&spawn, pidfd_out, &err);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static pid_t start(const char *script, int *pidfd_out)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};

	return start_program(argv, pidfd_out);
}

/* Runs ARGV and returns everything that it writes to its socket. */
static const char *output_of(char *const *argv)
{
	static char text[65536];
	size_t got = 0;
	int pidfd, status;
	pid_t pid = start_program(argv, &pidfd);
	ssize_t n;

	ck_assert_msg(pid > 0, "%s", err.text);
	(void)close(sockets[1]);
	while ((n = read(sockets[0], text + got, sizeof(text) - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = '\0';
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return text;
}

static const char *output(const char *script)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};

	return output_of(argv);
}

START_TEST(signals_are_default_and_unblocked)
{
	/* no shell in between: some shells reset their signals */
	char *argv[] = {(char *)"/bin/cat", (char *)"/proc/self/status", NULL};
	const char *text = output_of(argv);

	ck_assert_ptr_nonnull(strstr(text, "SigBlk:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(text, "SigIgn:\t0000000000000000"));
}
END_TEST

START_TEST(three_descriptors_are_open)
{
	int left_open = open("/dev/null", O_RDWR); /* without close-on-exec */

	ck_assert_int_ge(left_open, 3);
	ck_assert_int_lt(left_open, 64);
	ck_assert_str_eq(output("n=0; while [ $n -lt 64 ]; do"
				" [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done; :"),
			 "0\n1\n2\n");
}
END_TEST

START_TEST(the_environment_is_what_was_given)
{
	ck_assert_str_eq(output("exec env | grep -v ^PWD= | sort"), "ONLY=this\nPATH=/usr/bin:/bin\n");
}
END_TEST

START_TEST(it_leads_a_process_group)
{
	ck_assert_str_eq(output("read p c s pp g r </proc/$$/stat; [ $g = $$ ] && echo yes"), "yes\n");
}
END_TEST

START_TEST(standard_error_is_the_pipe)
{
	char text[32] = "";

	ck_assert_str_eq(output("echo oops >&2"), "");
	ck_assert_int_eq(read(errors[0], text, sizeof(text) - 1), 5);
	ck_assert_str_eq(text, "oops\n");
}
END_TEST

START_TEST(the_pidfd_tells_the_end)
{
	struct pollfd p = {.events = POLLIN};
	pid_t pid = start("exit 7", &p.fd);
	siginfo_t info;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_ne(fcntl(p.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(waitid(P_PIDFD, (id_t)p.fd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_status, 7);
}
END_TEST

START_TEST(a_program_that_cannot_run_is_an_error)
{
	char *argv[] = {(char *)"/nonexistent/program", NULL}, *envp[] = {NULL};
	struct spawn spawn = {.path = argv[0],
			      .argv = argv,
			      .envp = envp,
			      .socket = sockets[1],
			      .errors = errors[1],
			      .group = -1,
			      .group_procs = -1};
	int pidfd;

	ck_assert_int_eq(spawn_program(&spawn, &pidfd, &err), -1);
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/program"));
	/* no zombie is left */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(it_does_not_outlive_its_parent)
{
	char byte;
	pid_t pid = fork();

	if (pid == 0) {
		int pidfd;

		if (start("echo ready; exec sleep 1000", &pidfd) < 0)
			_exit(1);
		(void)pause();
	}
	(void)close(sockets[1]);
	ck_assert_int_eq(read(sockets[0], &byte, 1), 1);
	(void)kill(pid, SIGKILL);
	/* end of file: the program, which held the other end, is gone */
	while (read(sockets[0], &byte, 1) > 0)
		;
	(void)waitpid(pid, NULL, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("spawn", setup, signals_are_default_and_unblocked, three_descriptors_are_open,
			 the_environment_is_what_was_given, it_leads_a_process_group, standard_error_is_the_pipe,
			 the_pidfd_tells_the_end, a_program_that_cannot_run_is_an_error,
			 it_does_not_outlive_its_parent);
}
