/* SPDX-License-Identifier: MIT */
/*
 * Clients of an echo service, each connect, 64 bytes there and back, close, again and again: "PORT CLIENTS MILLISECONDS
 * [proxy]". With "proxy" each connection begins with a PROXY v2 header that claims one of 65536 addresses of
 * 10.0.0.0/8. Prints how many exchanges there were in a second. Anything lost is an error.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BODY	   64
#define HEADER	   28
#define SOURCES	   64 /* of 127.0.0.0/8, so that no port is waited for */
#define PATIENCE_S 10

static const uint8_t header[HEADER] = {
	'\r', '\n', '\r', '\n', 0,   '\r', '\n', 'Q', 'U', 'I', 'T', '\n', /* the signature */
	0x21, 0x11, 0,	  12,			    /* PROXY, TCP over IPv4, so many bytes follow */
	10,   0,    0,	  0,	127, 0,	   0,	 1, /* from, to */
	0x30, 0x39, 0,	  7,			    /* their ports */
};

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static long number(const char *text, long min, long max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < min || value > max)
		errx(64, "%s: a number from %ld to %ld is wanted", text, min, max);
	return value;
}

static int visit(uint16_t port, uint32_t turn)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn % SOURCES);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(71, "connect");
	return fd;
}

static void exchange(uint16_t port, bool proxy, uint32_t turn)
{
	uint8_t out[HEADER + BODY], in[BODY];
	size_t before = proxy ? HEADER : 0, got = 0;
	int fd = visit(port, turn);

	if (proxy) {
		memcpy(out, header, HEADER);
		out[18] = (uint8_t)(turn * 2654435761U >> 24);
		out[19] = (uint8_t)(turn * 2654435761U >> 16);
	}
	memset(out + before, 'x', BODY);
	if (send(fd, out, before + BODY, MSG_NOSIGNAL) != (ssize_t)(before + BODY))
		err(71, "send");
	while (got < BODY) {
		ssize_t n = recv(fd, in + got, BODY - got, 0);

		if (n <= 0)
			err(71, "recv, after %zu bytes", got);
		got += (size_t)n;
	}
	(void)close(fd);
}

static _Noreturn void run(uint16_t port, bool proxy, double end, uint32_t first, uint64_t *count)
{
	uint64_t n = 0;

	for (uint32_t turn = first; now() < end; turn += 7919) {
		exchange(port, proxy, turn);
		n++;
	}
	*count = n;
	_exit(0);
}

int main(int argc, char **argv)
{
	uint64_t *counts, all = 0;
	long clients, ms;
	double begin;
	int status;
	bool proxy;
	uint16_t port;

	if (argc != 4 && (argc != 5 || strcmp(argv[4], "proxy") != 0))
		errx(64, "Usage: %s PORT CLIENTS MILLISECONDS [proxy]", argv[0]);
	port = (uint16_t)number(argv[1], 1, 65535);
	clients = number(argv[2], 1, 1000);
	ms = number(argv[3], 1, 1000000);
	proxy = argc == 5;
	counts = mmap(NULL, (size_t)clients * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED)
		err(71, "mmap");
	begin = now();
	for (long i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(71, "fork");
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			run(port, proxy, begin + (double)ms / 1000, (uint32_t)(i + getpid()) * 104729U, &counts[i]);
		}
	}
	for (long i = 0; i < clients; i++) {
		if (wait(&status) < 0 || status != 0)
			errx(71, "a client failed");
	}
	for (long i = 0; i < clients; i++)
		all += counts[i];
	(void)printf("%.1f\n", (double)all / (now() - begin));
	return 0;
}
