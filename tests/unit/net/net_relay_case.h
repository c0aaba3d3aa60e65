/* SPDX-License-Identifier: MIT */
/* A relay in a process of its own, with a client and a server that the test plays. */
#ifndef PREFORKD_TESTS_NET_RELAY_CASE_H
#define PREFORKD_TESTS_NET_RELAY_CASE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/signals.h"
#include "net/addr.h"
#include "net/relay.h"

#include "../suite.h"

#define MUCH (10 * 1024 * 1024)

struct seen { /* of the process in the middle */
	uint64_t in, out;
	int code;
	long cpu_ms;
	bool end; /* the test wants it to */
	bool cut_after_look;
};

static struct seen *seen;
static pid_t middle;
static int client = -1, server = -1; /* our ends */
static int relayed = -1;	     /* the relay's end of the client */
static char *sent, *got;

static inline void tcp_pair(int family, int *a, int *b)
{
	struct sockaddr_any addr = {.len = sizeof(addr.in)};
	int listener;

	if (family == AF_UNIX) {
		int both[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
		*a = both[0];
		*b = both[1];
		return;
	}
	addr.in.sin_family = AF_INET;
	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &addr.sa, &addr.len), 0);
	*a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(*a, &addr.sa, addr.len), 0);
	*b = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)close(listener);
}

static inline void moved(void *arg, uint64_t in, uint64_t out, enum relay_wait wait)
{
	(void)arg;
	(void)wait;
	seen->in += in;
	seen->out += out;
}

static inline bool ended(void *arg)
{
	bool end = seen->end;

	(void)arg;
	if (seen->cut_after_look) { /* a signal comes just now */
		seen->end = true;
		(void)shutdown(relayed, SHUT_RDWR);
	}
	return end;
}

static inline void on_usr1(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

static inline long cpu_ms(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* As proxy.c does it: a failure of one side resets the other. */
static inline enum relay_end relay(int down, int up)
{
	struct relay relay = {.client = down, .upstream = up, .moved = moved, .ended = ended};
	enum relay_end end;

	relayed = down;
	(void)fcntl(up, F_SETFL, O_NONBLOCK);
	end = relay_carry(&relay);
	seen->code = relay.code;
	seen->cpu_ms = cpu_ms();
	if (end != RELAY_DONE) {
		relay_reset(&down);
		relay_reset(&up);
	}
	fd_close(&down);
	fd_close(&up);
	return end;
}

static inline void start(int family)
{
	int down, up;

	tcp_pair(family, &client, &down);
	tcp_pair(family, &server, &up);
	middle = fork();
	if (middle == 0) {
		(void)close(client);
		(void)close(server);
		_exit((int)relay(down, up));
	}
	(void)close(down);
	(void)close(up);
}

static inline enum relay_end finish(void)
{
	int status;

	ck_assert_int_eq(waitpid(middle, &status, 0), middle);
	middle = -1;
	ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
	return (enum relay_end)WEXITSTATUS(status);
}

static inline void setup(void)
{
	signals_harmless();
	signals_handle(SIGUSR1, on_usr1);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	sent = malloc(MUCH);
	got = malloc(MUCH);
	ck_assert(sent != NULL && got != NULL);
	srandom(7);
	for (size_t i = 0; i < MUCH / sizeof(int); i++)
		((int *)(void *)sent)[i] = (int)random();
	(void)alarm(0);
}

static inline void teardown(void)
{
	if (middle > 0) {
		(void)kill(middle, SIGKILL);
		(void)waitpid(middle, NULL, 0);
	}
	fd_close(&client);
	fd_close(&server);
	free(sent);
	free(got);
}

static inline void send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		data += n;
		size -= (size_t)n;
	}
}

/* As much as comes until the end, at most SIZE. */
static inline size_t read_to_end(int fd, char *data, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = recv(fd, data + used, size - used, 0);

		ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return used;
}

static inline void expect(int fd, const char *text)
{
	char buf[64];
	size_t len = strlen(text);

	ck_assert_int_eq(recv(fd, buf, len, MSG_WAITALL), (ssize_t)len);
	ck_assert_int_eq(memcmp(buf, text, len), 0);
}

static inline void expect_end(int fd)
{
	char c;

	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
}

static const int families[] = {AF_INET, AF_UNIX};

#endif
