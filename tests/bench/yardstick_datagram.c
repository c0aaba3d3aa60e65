/* SPDX-License-Identifier: MIT */
/*
 * The yardstick for echo over datagrams: recvfrom and sendto, nothing else. "PROCESSES" serves on a port that it
 * prints; "load PORT MILLISECONDS WINDOW" keeps WINDOW datagrams of 64 bytes under way, and prints answers a second.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE	   64
#define WINDOW_MAX 256

static int open_socket(struct sockaddr_in *in)
{
	socklen_t len = sizeof(*in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)in, len) < 0 || getsockname(fd, (struct sockaddr *)in, &len) < 0)
		err(71, "cannot bind");
	return fd;
}

static _Noreturn void echo(int fd)
{
	static char buffer[65536];

	for (;;) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &len);

		if (n >= 0)
			(void)sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&peer, len);
	}
}

static _Noreturn void serve(long processes)
{
	struct sockaddr_in in = {.sin_port = 0};
	int fd = open_socket(&in), signo;
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(71, "fork");
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			echo(fd);
		}
	}
	(void)printf("%u\n", ntohs(in.sin_port));
	(void)fflush(stdout);
	(void)sigwait(&signals, &signo);
	_exit(0); /* takes them along */
}

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/*
 * Many with one system call, so that it is the server that has too much to do: when both take turns at sleeping, their
 * turns are what is measured. What is lost is sent again after a tenth of a second, and not counted.
 */
static void load(long port, long ms, long window)
{
	struct sockaddr_in in = {.sin_port = 0}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	const struct timeval patience = {.tv_usec = 100000};
	static char bytes[WINDOW_MAX][SIZE];
	static struct iovec parts[WINDOW_MAX];
	static struct mmsghdr messages[WINDOW_MAX];
	int fd = open_socket(&in);
	double start = now(), end = start + (double)ms / 1e3;
	long answers = 0;

	if (window < 1 || window > WINDOW_MAX)
		errx(64, "1 to %d under way", WINDOW_MAX);
	for (long i = 0; i < window; i++) {
		parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = SIZE};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		err(71, "connect");
	(void)sendmmsg(fd, messages, (unsigned)window, 0);
	while (now() < end) {
		int n = recvmmsg(fd, messages, (unsigned)window, MSG_WAITFORONE, NULL);

		if (n > 0)
			answers += n;
		(void)sendmmsg(fd, messages, n > 0 ? (unsigned)n : 1, 0);
	}
	(void)printf("%.0f\n", (double)answers / (now() - start));
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		load(atol(argv[2]), atol(argv[3]), atol(argv[4]));
	else if (argc == 2)
		serve(atol(argv[1]));
	else
		errx(64, "Usage: %s PROCESSES | load PORT MILLISECONDS WINDOW", argv[0]);
	return 0;
}
