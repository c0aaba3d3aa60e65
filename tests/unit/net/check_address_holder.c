/* SPDX-License-Identifier: MIT */
/* A holder is found if bind(2) would refuse the address because of it. And the addresses that a host has. */
#include "net/address_holder.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/local_address.h"

#include "../suite.h"

static struct address_holder holder;
static pid_t seen;

static struct sockaddr_any address(const char *host, unsigned port)
{
	struct sockaddr_any out;
	struct addr parsed;
	char text[64];
	struct err err;

	(void)snprintf(text, sizeof(text), "%s:%u", host, port);
	ck_assert_int_eq(addr_parse(text, &parsed, &err), 0);
	ck_assert_int_eq(addr_resolve(&parsed, &out, 1, &err), 1);
	return out;
}

static int bind_socket(struct sockaddr_any *addr, int type, bool v6only)
{
	int fd = socket(addr->sa.sa_family, type | SOCK_CLOEXEC, 0), only = v6only;

	ck_assert_int_ge(fd, 0);
	if (addr->sa.sa_family == AF_INET6)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)), 0);
	ck_assert_int_eq(bind(fd, &addr->sa, addr->len), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, &addr->sa, &addr->len), 0);
	return fd;
}

static bool is_held(const char *host, unsigned port, bool datagram, bool v6only)
{
	struct sockaddr_any addr = address(host, port);
	const struct address_asked asked = {.addr = &addr, .datagram = datagram, .v6only = v6only};

	return address_holder_find(&asked, &holder);
}

static bool take_pid(pid_t pid, void *userdata)
{
	(void)userdata;
	seen = pid;
	return pid != getpid();
}

START_TEST(test_tcp)
{
	struct sockaddr_any addr = address("127.0.0.1", 0);
	int fd = bind_socket(&addr, SOCK_STREAM, false);
	unsigned port = addr_port(&addr);
	struct stat st;

	ck_assert(is_held("127.0.0.1", port, false, false));
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(holder.inode, (uint32_t)st.st_ino);
	ck_assert_int_eq((int)holder.uid, (int)geteuid());
	address_holder_processes(holder.inode, 0, take_pid, NULL);
	ck_assert_int_eq(seen, getpid());
	ck_assert(is_held("0.0.0.0", port, false, false));
	ck_assert(is_held("*", port, false, false));
	ck_assert(is_held("[::]", port, false, false));
	ck_assert(!is_held("[::]", port, false, true));
	ck_assert(!is_held("127.0.0.2", port, false, false));
	ck_assert(!is_held("[::1]", port, false, false));
	ck_assert(!is_held("127.0.0.1", port, true, false));
	(void)close(fd);
	ck_assert(!is_held("127.0.0.1", port, false, false));
}
END_TEST

START_TEST(test_wildcards)
{
	struct sockaddr_any addr = address("[::]", 0);
	unsigned port;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) /* a host without IPv6 */
		return;
	(void)close(fd);
	fd = bind_socket(&addr, SOCK_STREAM, false);
	port = addr_port(&addr);
	ck_assert(is_held("127.0.0.1", port, false, false));
	ck_assert(is_held("[::1]", port, false, true));
	(void)close(fd);
	addr = address("[::]", 0);
	fd = bind_socket(&addr, SOCK_STREAM, true);
	port = addr_port(&addr);
	ck_assert(!is_held("127.0.0.1", port, false, false));
	ck_assert(is_held("[::1]", port, false, false));
	(void)close(fd);
}
END_TEST

START_TEST(test_datagrams)
{
	struct sockaddr_any addr = address("127.0.0.1", 0);
	int fd = bind_socket(&addr, SOCK_DGRAM, false);
	unsigned port = addr_port(&addr);

	ck_assert(is_held("127.0.0.1", port, true, false));
	ck_assert(!is_held("127.0.0.1", port, false, false));
	(void)close(fd);
}
END_TEST

START_TEST(test_unix)
{
	struct sockaddr_any addr = {.len = sizeof(addr.un)};
	const struct address_asked asked = {.addr = &addr};
	int fd;

	addr.un.sun_family = AF_UNIX;
	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "/tmp/check_address_holder.%d", (int)getpid());
	ck_assert(!address_holder_find(&asked, &holder));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert(address_holder_find(&asked, &holder));
	(void)close(fd);
	ck_assert(!address_holder_find(&asked, &holder)); /* stale */
	ck_assert_int_eq(unlink(addr.un.sun_path), 0);
	addr.un.sun_path[0] = '\0';
	addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 20);
	ck_assert(!address_holder_find(&asked, &holder));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert(address_holder_find(&asked, &holder));
	(void)close(fd);
}
END_TEST

static bool exists(const char *host)
{
	struct sockaddr_any addr = address(host, 1);

	return local_address_exists(&addr);
}

START_TEST(test_local_addresses)
{
	ck_assert(exists("127.0.0.1"));
	ck_assert(exists("127.1.2.3"));
	ck_assert(exists("0.0.0.0"));
	ck_assert(exists("*"));
	ck_assert(exists("224.0.0.1"));
	ck_assert(!exists("192.0.2.1"));
	ck_assert(!exists("[2001:db8::1]"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("address_holder", NULL, test_tcp, test_wildcards, test_datagrams, test_unix,
			 test_local_addresses);
}
