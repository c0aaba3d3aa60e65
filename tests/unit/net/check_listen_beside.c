/* SPDX-License-Identifier: MIT */
/* One listener follows another at the same address, while clients knock: none is lost, and none is
 * refused. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/listen_beside.h"
#include "net/listen_quiesce.h"
#include "net/socket_options.h"

#include "../clients.h"
#include "../suite.h"

#define ROUNDS	10
#define LOAD_MS 15

static struct socket_options options;
static struct listen_path path;
static struct err err;

static void setup(void)
{
	options = (struct socket_options){.v6only = true, .mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1};
}

/* TEXT, with the port PORT where that is not 0. */
static struct sockaddr_any resolve(const char *text, uint16_t port)
{
	struct sockaddr_any out;
	struct addr parsed;

	ck_assert_msg(addr_parse(text, &parsed, &err) == 0, "%s", err.text);
	if (port != 0)
		parsed.port = port;
	ck_assert_int_eq(addr_resolve(&parsed, &out, 1, &err), 1);
	return out;
}

/* Makes a bound socket listen, and says where it is. Not blocking, so that the test can look. */
static struct sockaddr_any start(int fd)
{
	struct sockaddr_any addr = {.len = sizeof(addr.ss)};
	int64_t got;

	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(fd, 64, &got, &err), 0);
	ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return addr;
}

/* A port that the kernel gives for one family or address may be somebody's in another. */
static bool is_free_everywhere(uint16_t port)
{
	struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	is_free = bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0;
	(void)close(fd);
	return is_free;
}

static int open_listener(const char *text, struct sockaddr_any *addr_out)
{
	struct sockaddr_any addr = resolve(text, 0);

	for (int i = 0;; i++) {
		struct sockaddr_any got = {.len = sizeof(got.ss)};
		int fd = listen_bind(&addr, SOCK_STREAM, text[0] == '*', &options, &path, &err);

		ck_assert_msg(fd >= 0, "%s", err.text);
		ck_assert_int_eq(getsockname(fd, &got.sa, &got.len), 0);
		/* of an address that has IPv4 itself, the bind has tried it already */
		if (i < 20 && strncmp(text, "[::]", 4) == 0 && !is_free_everywhere(addr_port(&got))) {
			(void)close(fd);
			continue;
		}
		*addr_out = start(fd);
		return fd;
	}
}

static void serve_for(int a, int b, int ms)
{
	int64_t end = clock_ms() + ms;
	struct pollfd p[] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};

	while (clock_ms() < end) {
		(void)poll(p, 2, 1);
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0)
				(void)clients_serve_one(p[i].fd);
	}
}

/* The end of the old listener, with the new one at work. */
static void drain_and_close(int fd, const struct sockaddr_any *addr, int new_fd)
{
	int64_t end = clock_ms() + LISTEN_HANDSHAKE_MS;

	listen_settle();
	do {
		serve_for(fd, new_fd, 1);
	} while (listen_handshakes(addr) != 0 && clock_ms() < end);
	while (listen_pending(fd))
		(void)clients_serve_one(fd);
	serve_for(-1, new_fd, 2); /* room for somebody to slip in */
	(void)close(fd);
}

static bool has_v6(void)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	(void)close(fd);
	if (!has)
		(void)fputs("needs IPv6\n", stderr);
	return has;
}

static int flag(int fd)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &len), 0);
	return value;
}

/* OLD becomes NEW, while clients come to CLIENT, an address that both have. false: the port was somebody else's in NEW.
 */
static bool hand_over_once(const char *old, const char *new, const char *client)
{
	struct sockaddr_any old_addr, new_addr, to;
	int old_fd = open_listener(old, &old_addr), new_fd;
	struct clients clients;
	bool taken;

	to = resolve(client, addr_port(&old_addr));
	clients_start(&clients, &to, 4);
	serve_for(old_fd, -1, LOAD_MS);
	new_addr = resolve(new, addr_port(&old_addr));
	new_fd = listen_beside_bind(old_fd, &new_addr, new[0] == '*', &options, &err);
	taken = new_fd < 0 && err.code == EADDRINUSE;
	if (!taken) {
		(void)start(new_fd);
		serve_for(old_fd, new_fd, LOAD_MS);
		ck_assert_int_eq(listen_steer(new_fd, old_fd, &old_addr), 1);
		ck_assert_int_eq(flag(old_fd), 0);
		ck_assert_int_eq(flag(new_fd), 0);
		drain_and_close(old_fd, &old_addr, new_fd);
		old_fd = -1;
		serve_for(new_fd, -1, LOAD_MS);
		ck_assert_int_eq(clients.kept_out, 0);
	}
	clients.over = true;
	while (clients.running > 0)
		serve_for(old_fd, new_fd, 1);
	clients_end(&clients);
	(void)close(taken ? old_fd : new_fd);
	return !taken;
}

static void hand_over(const char *old, const char *new, const char *client)
{
	int rounds = 0, attempts = 0;

	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0); /* nothing of this needs a capability */
	while (rounds < ROUNDS) {
		ck_assert_msg(++attempts < 2 * ROUNDS, "%s", err.text);
		rounds += hand_over_once(old, new, client);
	}
}

START_TEST(both_families_to_v6)
{
	if (has_v6())
		hand_over("*:0", "[::]:0", "[::1]:0");
}
END_TEST

START_TEST(v6_to_both_families)
{
	if (has_v6())
		hand_over("[::]:0", "*:0", "[::1]:0");
}
END_TEST

START_TEST(one_address_to_all)
{
	hand_over("127.0.0.1:0", "*:0", "127.0.0.1:0");
}
END_TEST

START_TEST(all_to_one_address)
{
	hand_over("*:0", "127.0.0.1:0", "127.0.0.1:0");
}
END_TEST

START_TEST(the_very_same_address)
{
	hand_over("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
}
END_TEST

/* An address that the change drops refuses clients, and clients that were queued at the old one are served. */
START_TEST(the_rest_of_the_old_address)
{
	struct sockaddr_any old_addr, new_addr, v4;
	int old_fd, new_fd, queued, late;
	char byte;

	if (!has_v6())
		return;
	old_fd = open_listener("*:0", &old_addr);
	v4 = resolve("127.0.0.1:0", addr_port(&old_addr));
	queued = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(queued, &v4.sa, v4.len), 0);
	new_addr = resolve("[::]:0", addr_port(&old_addr));
	new_fd = listen_beside_bind(old_fd, &new_addr, false, &options, &err);
	(void)start(new_fd);
	ck_assert_int_eq(listen_steer(new_fd, old_fd, &old_addr), 1);
	ck_assert_int_eq(connect(late, &v4.sa, v4.len), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert(clients_serve_one(old_fd));
	ck_assert_int_eq(recv(queued, &byte, 1, 0), 1);
}
END_TEST

START_TEST(an_old_one_with_a_device)
{
	struct sockaddr_any addr;
	int old_fd, new_fd, queued, fd;

	if (geteuid() != 0) {
		(void)fputs("needs root\n", stderr);
		return;
	}
	old_fd = open_listener("127.0.0.1:0", &addr);
	ck_assert_int_eq(setsockopt(old_fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	queued = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(queued, &addr.sa, addr.len), 0);
	new_fd = listen_beside_bind(old_fd, &addr, false, &options, &err);
	(void)start(new_fd);
	ck_assert_int_ge(listen_steer(new_fd, old_fd, &addr), 0);
	ck_assert(clients_serve_one(old_fd));
	(void)close(old_fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, &addr.sa, addr.len), 0);
	ck_assert(clients_serve_one(new_fd));
}
END_TEST

START_TEST(a_failure_leaves_the_old_one_alone)
{
	struct sockaddr_any addr, other;
	int fd = open_listener("127.0.0.1:0", &addr), new_fd;

	(void)open_listener("127.0.0.1:0", &other); /* somebody else's, not to be shared */
	ck_assert_int_eq(listen_beside_bind(fd, &other, false, &options, &err), -1);
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_int_eq(flag(fd), 0);
	/* undone before anything has happened */
	new_fd = listen_beside_bind(fd, &addr, false, &options, &err);
	ck_assert_int_ge(new_fd, 0);
	(void)close(new_fd);
	listen_unshare(fd, false);
	ck_assert_int_eq(flag(fd), 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("beside", setup, both_families_to_v6, v6_to_both_families, one_address_to_all,
			 all_to_one_address, the_very_same_address, the_rest_of_the_old_address,
			 an_old_one_with_a_device, a_failure_leaves_the_old_one_alone);
}
