/* SPDX-License-Identifier: MIT */
/* Names looked up by a child. The resolver is this test's own: getaddrinfo() does what the name says. */
#include "net/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/signals.h"
#include "net/addr.h"

#include "../suite.h"

int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);

static pid_t test_pid;

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	if (getpid() == test_pid)
		abort(); /* never in the process itself */
	if (strcmp(name, "slow") == 0)
		for (;;)
			(void)pause();
	if (strcmp(name, "crash") == 0)
		(void)raise(SIGKILL);
	if (strcmp(name, "none") == 0)
		return EAI_NONAME;
	return __real_getaddrinfo(strcmp(name, "four") == 0 ? "127.0.0.4" : "::1", service, hints, out);
}

static struct sockaddr_any out[LOOKUP_MOST];
static struct err err;

static void setup(void)
{
	signals_harmless();
	test_pid = getpid();
}

static int look_up(const char *text, int limit_ms, int watch)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr, &err), 0);
	return lookup_address(&addr, limit_ms, watch, out, LOOKUP_MOST, &err);
}

/* No child is left, and no descriptor. */
static void expect_clean(int before)
{
	int after = dup(0);

	ck_assert_int_eq(after, before);
	(void)close(after);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static int next_descriptor(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

START_TEST(found)
{
	int before = next_descriptor();

	ck_assert_msg(look_up("four:80", 5000, -1) == 1, "%s", err.text);
	ck_assert_int_eq(out[0].sa.sa_family, AF_INET);
	ck_assert_uint_eq(addr_port(&out[0]), 80);
	ck_assert_int_eq(look_up("six:81", 5000, -1), 1);
	ck_assert_int_eq(out[0].sa.sa_family, AF_INET6);
	ck_assert_int_eq(look_up("127.0.0.1:82", 0, -1), 1); /* takes nobody's help */
	ck_assert_uint_eq(addr_port(&out[0]), 82);
	expect_clean(before);
}
END_TEST

START_TEST(not_found)
{
	int before = next_descriptor();

	ck_assert_int_eq(look_up("none:80", 5000, -1), -1);
	ck_assert_str_eq(err.text, "\"none:80\": cannot resolve none: Name or service not known");
	ck_assert_int_eq(look_up("crash:80", 5000, -1), -1);
	ck_assert_str_eq(err.text, "\"crash:80\": cannot resolve crash: the resolver has crashed");
	expect_clean(before);
}
END_TEST

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

START_TEST(too_slow)
{
	int before = next_descriptor();
	int64_t start = clock_ms();

	signals_handle(SIGALRM, on_alarm);
	(void)ualarm(20000, 20000); /* signals do not make it longer or shorter */
	ck_assert_int_eq(look_up("slow:80", 200, -1), -1);
	(void)ualarm(0, 0);
	ck_assert_str_eq(err.text, "\"slow:80\": cannot resolve slow: no answer within 200 ms");
	ck_assert_int_ge(clock_ms() - start, 200);
	ck_assert_int_lt(clock_ms() - start, 2000);
	expect_clean(before);
}
END_TEST

START_TEST(nobody_wants_it_any_more)
{
	int64_t start = clock_ms();
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)shutdown(pair[0], SHUT_RDWR);
	ck_assert_int_eq(look_up("slow:80", 10000, pair[0]), -1);
	ck_assert_int_eq(err.code, ECANCELED);
	ck_assert_int_lt(clock_ms() - start, 5000);
}
END_TEST

int main(void)
{
	return SUITE_RUN("lookup", setup, found, not_found, too_slow, nobody_wants_it_any_more);
}
