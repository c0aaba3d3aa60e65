/* SPDX-License-Identifier: MIT */
#include "yard.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 4096

static long number(const char *text, long min, long max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < min || value > max)
		errx(64, "%s: a number from %ld to %ld is wanted", text, min, max);
	return value;
}

static int listen_on(long port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&in, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		err(71, "cannot listen on port %ld", port);
	(void)printf("%u\n", ntohs(in.sin_port));
	return fd;
}

static _Noreturn void work(int listener, pid_t parent, void (*serve)(int fd))
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(71);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve(fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			err(71, "accept");
	}
}

/* Waits for SIGTERM or SIGINT and takes everybody along, so that nothing is left to be reaped. */
static _Noreturn void watch(const sigset_t *signals, const pid_t *workers, long n)
{
	int signo = sigwaitinfo(signals, NULL);
	long i;

	for (i = 0; i < n; i++)
		(void)kill(workers[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	if (signo == SIGCHLD)
		errx(71, "a process has ended");
	exit(0);
}

_Noreturn void yard_run(int argc, char **argv, void (*serve)(int fd))
{
	pid_t parent = getpid();
	long i, processes;
	sigset_t signals;
	pid_t *workers;
	int listener;

	if (argc != 2 && argc != 3)
		errx(64, "Usage: %s PROCESSES [PORT]", argv[0]);
	processes = number(argv[1], 1, 100000);
	workers = calloc((size_t)processes, sizeof(*workers));
	if (workers == NULL)
		err(71, "calloc");
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	listener = listen_on(argc == 3 ? number(argv[2], 0, 65535) : 0);
	for (i = 0; i < processes; i++) {
		workers[i] = fork();
		if (workers[i] < 0)
			err(71, "fork");
		if (workers[i] == 0)
			work(listener, parent, serve);
	}
	/* The port is told only now, while everybody is there. */
	if (fflush(stdout) != 0)
		err(71, "standard output");
	watch(&signals, workers, processes);
}
