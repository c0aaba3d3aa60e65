/* SPDX-License-Identifier: MIT */
/* Options of a living listener, seen on the listener and on its connections. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/socket_options.h"

#include "../suite.h"

#define BUF_LOCK 72 /* SO_BUF_LOCK */

static struct socket_options from, to;
static struct sockaddr_any addr;
static struct listen_path path;
static struct err err;

static void setup(void)
{
	from = (struct socket_options){
		.nodelay = true,
		.v6only = true,
		.mode = 0600,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
	};
	to = from;
}

static int open_listener(const char *text)
{
	struct addr parsed;
	int64_t got;
	int fd;

	ck_assert_msg(addr_parse(text, &parsed, &err) == 0, "%s", err.text);
	ck_assert_int_eq(addr_resolve(&parsed, &addr, 1, &err), 1);
	fd = listen_bind(&addr, SOCK_STREAM, false, &from, &path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(fd, 64, &got, &err), 0);
	addr.len = sizeof(addr.ss);
	ck_assert_int_eq(getsockname(fd, &addr.sa, &addr.len), 0);
	return fd;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* The listener becomes TO, and a client of it is accepted. */
static int changed(int fd)
{
	int client = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), conn;

	ck_assert_msg(socket_options_try(addr.sa.sa_family, &from, &to, &err) == 0, "%s", err.text);
	ck_assert_msg(socket_options_change(fd, addr.sa.sa_family, &from, &to, &err) == 0, "%s", err.text);
	ck_assert_int_eq(connect(client, &addr.sa, addr.len), 0);
	if (to.defer_accept > 0)
		ck_assert_int_eq(send(client, "x", 1, 0), 1);
	conn = accept(fd, NULL, NULL);
	ck_assert_int_ge(conn, 0);
	return conn;
}

START_TEST(tcp_options_on_and_off)
{
	int fd = open_listener("127.0.0.1:0"), conn;

	to.nodelay = false;
	to.keepalive = 61000;
	to.user_timeout = 7000;
	to.defer_accept = 3000;
	conn = changed(fd);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(option(conn, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_KEEPIDLE), 61);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
	ck_assert_int_ge(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 3);

	from = to;
	to.nodelay = true;
	to.keepalive = to.user_timeout = to.defer_accept = 0;
	conn = changed(fd);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(conn, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(option(conn, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}
END_TEST

START_TEST(flags_on_and_off)
{
	int fd = open_listener("127.0.0.1:0");

	to.reuse_port = to.freebind = true;
	(void)changed(fd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_FREEBIND), 1);
	from = to;
	to.reuse_port = to.freebind = false;
	(void)changed(fd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_FREEBIND), 0);
}
END_TEST

/* Set, and back to what the kernel gives who has not set anything, and free to grow. */
static void buffers_go_back(const char *text)
{
	int fd = open_listener(text);
	int born_rcv = option(fd, SOL_SOCKET, SO_RCVBUF), born_snd = option(fd, SOL_SOCKET, SO_SNDBUF);
	int locks;
	socklen_t len = sizeof(locks);

	to.rcvbuf = 20000;
	to.sndbuf = 30000;
	(void)changed(fd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_RCVBUF), 40000);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_SNDBUF), 60000);

	from = to;
	to.rcvbuf = to.sndbuf = 0;
	if (getsockopt(fd, SOL_SOCKET, BUF_LOCK, &locks, &len) < 0) {
		ck_assert_int_eq(socket_options_change(fd, addr.sa.sa_family, &from, &to, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "restart"));
		return;
	}
	ck_assert_int_eq(locks, 3);
	(void)changed(fd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_RCVBUF), born_rcv);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_SNDBUF), born_snd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, BUF_LOCK), 0);
}

START_TEST(tcp_buffers_go_back)
{
	buffers_go_back("127.0.0.1:0");
}
END_TEST

START_TEST(unix_buffers_go_back)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "unix:@check_socket_options.%d", (int)getpid());
	buffers_go_back(text);
}
END_TEST

START_TEST(one_buffer_goes_back_alone)
{
	int fd;

	from.rcvbuf = from.sndbuf = to.sndbuf = 30000;
	fd = open_listener("127.0.0.1:0");
	(void)changed(fd);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_SNDBUF), 60000);
	ck_assert_int_eq(option(fd, SOL_SOCKET, BUF_LOCK), 1);
}
END_TEST

static const char *device(int fd)
{
	static char name[32];
	socklen_t len = sizeof(name) - 1;

	memset(name, 0, sizeof(name));
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	return name;
}

START_TEST(the_device_comes_and_goes)
{
	int fd = open_listener("127.0.0.1:0");

	if (geteuid() != 0) {
		(void)fputs("needs root\n", stderr);
		return;
	}
	to.device = (char *)"lo";
	(void)changed(fd);
	ck_assert_str_eq(device(fd), "lo");
	from = to;
	to.device = NULL;
	(void)changed(fd);
	ck_assert_str_eq(device(fd), "");
}
END_TEST

/* A change that would fail is known before, and has left the living socket as it was. */
START_TEST(a_trial_tells)
{
	int fd;

	to.device = (char *)"none such";
	ck_assert_int_eq(socket_options_try(AF_INET, NULL, &to, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "none such"));
	ck_assert_int_eq(socket_options_try(AF_INET, &from, &to, &err), -1);
	ck_assert_int_eq(socket_options_try(AF_INET, NULL, &from, &err), 0);
	ck_assert_int_eq(socket_options_try(AF_UNIX, NULL, &from, &err), 0);

	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0);
	from.device = (char *)"lo";
	to.device = NULL;
	ck_assert_int_eq(socket_options_try(AF_INET, NULL, &from, &err), 0);
	ck_assert_int_eq(socket_options_try(AF_INET, &from, &to, &err), -1);
	ck_assert_int_eq(err.code, EPERM);
	fd = open_listener("127.0.0.1:0");
	ck_assert_int_eq(socket_options_change(fd, AF_INET, &from, &to, &err), -1);
	ck_assert_str_eq(device(fd), "lo");
	ck_assert_ptr_nonnull(strstr(err.text, "lo"));
}
END_TEST

static char file[64];

static int open_path(void)
{
	char text[80];

	(void)snprintf(file, sizeof(file), "/tmp/check_socket_options.%d", (int)getpid());
	(void)snprintf(text, sizeof(text), "unix:%s", file);
	return open_listener(text);
}

static void check_path(mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	ck_assert_int_eq(lstat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, mode);
	ck_assert_uint_eq(st.st_uid, uid);
	ck_assert_uint_eq(st.st_gid, gid);
}

START_TEST(a_path_gets_mode_and_owner)
{
	(void)open_path();
	to.mode = 0660;
	ck_assert_msg(listen_path_apply(&addr, &path, &to, &err) == 0, "%s", err.text);
	check_path(0660, geteuid(), getegid());
	if (geteuid() == 0) {
		to.owner = to.group = 65534;
		to.mode = 0606;
		ck_assert_int_eq(listen_path_apply(&addr, &path, &to, &err), 0);
		check_path(0606, 65534, 65534);
		ck_assert_int_eq(listen_path_apply(&addr, &path, &from, &err), 0);
		check_path(0600, 0, 0);
	}
	(void)unlink(file);
}
END_TEST

START_TEST(a_path_in_a_folder_with_a_group)
{
	struct stat st;
	char folder[64], text[80];

	if (geteuid() != 0) {
		(void)fputs("needs root\n", stderr);
		return;
	}
	(void)snprintf(folder, sizeof(folder), "/tmp/check_socket_options.%d.d", (int)getpid());
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	ck_assert_int_eq(chown(folder, 0, 65534), 0);
	ck_assert_int_eq(chmod(folder, 02755), 0);
	(void)snprintf(text, sizeof(text), "unix:%s/s", folder);
	from.group = 0;
	(void)open_listener(text);
	ck_assert_int_eq(listen_path_apply(&addr, &path, &to, &err), 0);
	ck_assert_int_eq(lstat(addr.un.sun_path, &st), 0);
	ck_assert_uint_eq(st.st_gid, 65534); /* as bind(2) would have made it */
	(void)unlink(addr.un.sun_path);
	(void)rmdir(folder);
}
END_TEST

START_TEST(somebody_elses_path_is_left_alone)
{
	struct listen_path ours;
	struct stat st;

	(void)open_path();
	ours = path;
	to.mode = 0666;
	(void)unlink(file);
	ck_assert_int_eq(listen_path_apply(&addr, &ours, &to, &err), -1);
	ck_assert_int_eq(err.code, ESTALE);
	ck_assert_int_eq(symlink("/dev/null", file), 0);
	ck_assert_int_eq(listen_path_apply(&addr, &ours, &to, &err), -1);
	ck_assert_int_eq(stat("/dev/null", &st), 0);
	(void)unlink(file);
	(void)open_path();
	ours.ino = path.ino + 1;
	ck_assert_int_eq(listen_path_apply(&addr, &ours, &to, &err), -1);
	check_path(0600, geteuid(), getegid());
	ours.ino = 0;
	ck_assert_int_eq(listen_path_apply(&addr, &ours, &to, &err), 0);
	check_path(0600, geteuid(), getegid());
	(void)unlink(file);
}
END_TEST

int main(void)
{
	return SUITE_RUN("socket_options", setup, tcp_options_on_and_off, flags_on_and_off, tcp_buffers_go_back,
			 unix_buffers_go_back, one_buffer_goes_back_alone, the_device_comes_and_goes, a_trial_tells,
			 a_path_gets_mode_and_owner, a_path_in_a_folder_with_a_group,
			 somebody_elses_path_is_left_alone);
}
