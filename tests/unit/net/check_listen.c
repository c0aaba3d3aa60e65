/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/socket_options.h"
#include "net/tcp_info.h"

#include "../suite.h"

static struct socket_options options;
static struct err err;
static struct listen_path path;
static char file[64];

static bool swaps; /* somebody puts a file in the place of each new socket at once */

/* In place of the C library's. */
int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int rc = (int)syscall(SYS_bind, fd, addr, len);
	FILE *f;

	if (!swaps || rc < 0)
		return rc;
	(void)unlink(file);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	return 0;
}

static void setup(void)
{
	swaps = false;
	options = (struct socket_options){
		.nodelay = true,
		.v6only = true,
		.mode = 0600,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
	};
	(void)snprintf(file, sizeof(file), "/tmp/check_listen.%d", (int)getpid());
}

static struct sockaddr_any resolve(const char *text)
{
	struct sockaddr_any out;
	struct addr addr;

	ck_assert_msg(addr_parse(text, &addr, &err) == 0, "%s", err.text);
	ck_assert_int_eq(addr_resolve(&addr, &out, 1, &err), 1);
	return out;
}

static int open_listener(const char *text, int64_t backlog, struct sockaddr_any *addr_out)
{
	struct sockaddr_any addr = resolve(text);
	int64_t got;
	int fd = listen_bind(&addr, SOCK_STREAM, text[0] == '*', &options, &path, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(fd, backlog, &got, &err), 0);
	ck_assert_int_le(got, backlog);
	*addr_out = (struct sockaddr_any){.len = sizeof(addr_out->ss)};
	ck_assert_int_eq(getsockname(fd, &addr_out->sa, &addr_out->len), 0);
	return fd;
}

static int dial(const struct sockaddr_any *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &addr->sa, addr->len), 0);
	return fd;
}

START_TEST(the_kernels_clamp_is_seen)
{
	struct sockaddr_any addr = resolve("127.0.0.1:0");
	int64_t got;
	int fd = listen_bind(&addr, SOCK_STREAM, false, &options, &path, &err);

	ck_assert_int_eq(listen_start(fd, 2000000000, &got, &err), 0);
	ck_assert_int_lt(got, 2000000000);
	/* and listen again on the living socket changes it */
	ck_assert_int_eq(listen_start(fd, 5, &got, &err), 0);
	ck_assert_int_eq(got, 5);
}
END_TEST

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* An accepted socket inherits its options, so they cost nothing per client. */
START_TEST(connections_inherit_the_options)
{
	struct sockaddr_any addr;
	int fd, conn;

	options.keepalive = 61000;
	options.user_timeout = 7000;
	fd = open_listener("127.0.0.1:0", 8, &addr);
	(void)dial(&addr);
	conn = accept(fd, NULL, NULL);
	ck_assert_int_ge(conn, 0);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(conn, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_KEEPIDLE), 61);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
}
END_TEST

START_TEST(any_takes_both_families)
{
	struct sockaddr_any addr, v4 = {.len = sizeof(v4.in)}, v6 = {.len = sizeof(v6.in6)};
	int fd = open_listener("*:0", 8, &addr);

	v4.in.sin_family = AF_INET;
	v4.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4.in.sin_port = addr.in6.sin6_port;
	(void)dial(&v4);
	if (addr.sa.sa_family != AF_INET6)
		return; /* no IPv6 here: IPv4 alone is what was promised */
	ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	v6.in6.sin6_family = AF_INET6;
	v6.in6.sin6_addr = in6addr_loopback;
	v6.in6.sin6_port = addr.in6.sin6_port;
	(void)dial(&v6);
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
	struct sockaddr_any addr;
	char text[ADDR_TEXT_MAX];

	(void)open_listener("127.0.0.1:0", 8, &addr);
	ck_assert_int_eq(listen_bind(&addr, SOCK_STREAM, false, &options, &path, &err), -1);
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, addr_format(&addr, text, sizeof(text))));
}
END_TEST

START_TEST(any_address_in_use_is_named_as_it_is_written)
{
	struct sockaddr_any addr;
	char text[32];

	(void)open_listener("*:0", 8, &addr);
	(void)snprintf(text, sizeof(text), " *:%u: ", (unsigned)addr_port(&addr));
	ck_assert_int_eq(listen_bind(&addr, SOCK_STREAM, true, &options, &path, &err), -1);
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}
END_TEST

static const char *unix_text(void)
{
	static char text[80];

	(void)snprintf(text, sizeof(text), "unix:%s", file);
	return text;
}

START_TEST(a_path_has_its_mode_and_goes_at_the_end)
{
	struct sockaddr_any addr;
	struct stat st;
	int fd;

	options.mode = 0620;
	fd = open_listener(unix_text(), 8, &addr);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0620);
	(void)dial(&addr);
	(void)listen_path_unlink(&addr, &path);
	ck_assert_int_lt(stat(file, &st), 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_stale_path_is_replaced)
{
	struct sockaddr_any addr;
	int fd = open_listener(unix_text(), 8, &addr);

	(void)close(fd); /* as a crash leaves it */
	fd = open_listener(unix_text(), 8, &addr);
	(void)dial(&addr);
	(void)unlink(file);
}
END_TEST

START_TEST(a_living_path_is_left_alone)
{
	struct sockaddr_any addr, again;
	int fd = open_listener(unix_text(), 1, &addr);

	again = resolve(unix_text());
	ck_assert_int_eq(listen_bind(&again, SOCK_STREAM, false, &options, &path, &err), -1);
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	(void)dial(&addr);
	ck_assert_int_ge(accept(fd, NULL, NULL), 0);
	(void)unlink(file);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	struct sockaddr_any addr = resolve(unix_text());
	struct stat st;
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	ck_assert_int_eq(listen_bind(&addr, SOCK_STREAM, false, &options, &path, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no socket"));
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	(void)unlink(file);
}
END_TEST

START_TEST(somebody_elses_path_is_not_removed)
{
	struct listen_path ours;
	struct sockaddr_any addr;
	struct stat st;

	(void)open_listener(unix_text(), 8, &addr);
	ours = path;
	(void)rename(file, "/tmp/check_listen.old");
	(void)open_listener(unix_text(), 8, &addr); /* another daemon's */
	(void)listen_path_unlink(&addr, &ours);
	ck_assert_int_eq(stat(file, &st), 0);
	(void)unlink(file);
	(void)unlink("/tmp/check_listen.old");
}
END_TEST

START_TEST(another_file_gets_no_owner)
{
	struct sockaddr_any addr = resolve(unix_text());
	struct stat st;

	options.owner = geteuid() == 0 ? 65534 : geteuid();
	swaps = true;
	ck_assert_int_eq(listen_bind(&addr, SOCK_STREAM, false, &options, &path, &err), -1);
	ck_assert_msg(strstr(err.text, "another process has replaced the socket") != NULL, "%s", err.text);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_uid, geteuid());
	(void)unlink(file);
}
END_TEST

START_TEST(abstract_names_work)
{
	struct sockaddr_any addr;
	char text[64];
	int fd;

	(void)snprintf(text, sizeof(text), "unix:@check_listen.%d", (int)getpid());
	fd = open_listener(text, 8, &addr);
	(void)dial(&addr);
	ck_assert_int_ge(accept(fd, NULL, NULL), 0);
	ck_assert_uint_eq(path.ino, 0);
}
END_TEST

START_TEST(traffic_is_counted)
{
	struct tcp_traffic traffic;
	struct sockaddr_any addr;
	int fd = open_listener("127.0.0.1:0", 8, &addr);
	int out = dial(&addr), in = accept(fd, NULL, NULL);
	char buf[8];

	ck_assert_int_eq(send(out, "12345", 5, 0), 5);
	ck_assert_int_eq(recv(in, buf, sizeof(buf), 0), 5);
	ck_assert_int_eq(tcp_info_traffic(in, &traffic), 0);
	ck_assert_uint_eq(traffic.in, 5);
	ck_assert(!traffic.peer_done);
	(void)shutdown(out, SHUT_WR);
	ck_assert_int_eq(recv(in, buf, sizeof(buf), 0), 0);
	ck_assert_int_eq(tcp_info_traffic(in, &traffic), 0);
	ck_assert_uint_eq(traffic.in, 5);
	ck_assert(traffic.peer_done);
}
END_TEST

/* A stale socket of root in a sticky folder: an ordinary user can neither connect to it nor remove it. */
START_TEST(stale_path_of_another_user)
{
	char folder[] = "/tmp/check_listen.XXXXXX", text[128];
	const struct passwd *pw = getpwnam("nobody");
	struct sockaddr_any any;
	int fd;

	if (geteuid() != 0 || pw == NULL)
		return;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 01777), 0);
	for (mode_t mode = 0600; mode <= 0666; mode += 0066) {
		(void)snprintf(text, sizeof(text), "unix:%s/%o", folder, (unsigned)mode);
		any = resolve(text);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd, &any.sa, any.len), 0);
		ck_assert_int_eq(chmod(any.un.sun_path, mode), 0);
		(void)close(fd);
		ck_assert_int_eq(seteuid(pw->pw_uid), 0);
		ck_assert_int_eq(listen_bind(&any, SOCK_STREAM, false, &options, &path, &err), -1);
		ck_assert_msg(strstr(err.text, "belongs to root, and the folder is sticky") != NULL, "%s", err.text);
		ck_assert_int_eq(seteuid(0), 0);
		(void)unlink(any.un.sun_path);
	}
	(void)rmdir(folder);
}
END_TEST

int main(void)
{
	return SUITE_RUN("listen", setup, stale_path_of_another_user, the_kernels_clamp_is_seen,
			 connections_inherit_the_options, any_takes_both_families, an_address_in_use_is_named,
			 any_address_in_use_is_named_as_it_is_written, a_path_has_its_mode_and_goes_at_the_end,
			 a_stale_path_is_replaced, a_living_path_is_left_alone, a_file_that_is_no_socket_is_left_alone,
			 somebody_elses_path_is_not_removed, another_file_gets_no_owner, abstract_names_work,
			 traffic_is_counted);
}
