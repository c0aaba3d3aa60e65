/* SPDX-License-Identifier: MIT */
/* Listeners that were shut down or connected: which of them are mended, and how. */
#include "listeners/listener_mend.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "listeners/listener.h"

#include "../suite.h"

static struct config_service service;
static struct addr address;
static struct addr_resolved resolved; /* nothing: the address is none of a host name */
static struct origin origin;
static struct listener *listener;
static struct err err;

static void setup(void)
{
	log_set_level(LOG_EMERG);
	service = (struct config_service){
		.name = (char *)"test",
		.listen = &address,
		.listen_origin = &origin,
		.resolved = &resolved,
		.n_listen = 1,
		.backlog = 10,
	};
}

/* Opens the listener, which then listens. */
static void open_at(const char *text)
{
	const struct listener_offers none = {.n = 0};
	size_t n;

	ck_assert_int_eq(addr_parse(text, &address, &err), 0);
	ck_assert_msg(listener_open_all(&service, &none, NULL, 0, &listener, &n, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(listener_start(listener, &service, &err), 0);
}

/* The tests run side by side. */
static void open_abstract(void)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "unix:@preforkd-check-listener-mend-%d", (int)getpid());
	open_at(text);
}

static void shut(void)
{
	(void)shutdown(listener->fd, SHUT_RDWR);
	ck_assert_int_eq(listener_look(listener), LISTEN_SHUT);
}

static void expect_mended(enum listener_mended how)
{
	ck_assert_int_eq(listener_mend(listener, &service, &err), how);
	ck_assert_int_eq(listener_look(listener), LISTEN_WELL);
	ck_assert(listener->listening && !listener->lost);
}

START_TEST(tcp_listens_again)
{
	int fd;

	open_at("127.0.0.1:0");
	fd = listener->fd;
	shut();
	expect_mended(LISTENER_MENDED);
	ck_assert_int_eq(listener->fd, fd);
}
END_TEST

START_TEST(unix_is_bound_anew)
{
	open_abstract();
	shut();
	expect_mended(LISTENER_ANEW);
}
END_TEST

START_TEST(one_that_is_well_stays)
{
	open_abstract();
	expect_mended(LISTENER_MENDED);
}
END_TEST

/* A worker has a copy of the socket, and so the address, until it leaves. */
START_TEST(datagrams_wait_for_the_address)
{
	struct sockaddr_any own = {.len = sizeof(own.ss)};
	int copy;

	open_at("udp:127.0.0.1:0");
	ck_assert_int_eq(getsockname(listener->fd, &own.sa, &own.len), 0);
	listener->key.asked = own;
	copy = fcntl(listener->fd, F_DUPFD_CLOEXEC, 3);
	shut();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(listener_mend(listener, &service, &err), LISTENER_NOT_MENDED);
		ck_assert_ptr_nonnull(strstr(err.text, "Address already in use"));
		ck_assert(listener->lost && listener->fd < 0);
		ck_assert_int_eq(listener_look(listener), LISTEN_SHUT);
	}
	ck_assert_int_eq(close(copy), 0);
	expect_mended(LISTENER_ANEW);
}
END_TEST

/* socket.v6only is about addresses that are written as [V6]:PORT. */
START_TEST(any_address_keeps_both_families)
{
	socklen_t len = sizeof(int);
	int only = 1;

	service.socket.v6only = true;
	open_at("udp:*:0");
	shut();
	expect_mended(LISTENER_ANEW);
	if (listener->key.asked.sa.sa_family == AF_INET6 &&
	    getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0)
		ck_assert_int_eq(only, 0);
}
END_TEST

START_TEST(what_is_not_ours_is_not_bound_anew)
{
	open_abstract();
	listener->inherited = true;
	shut();
	ck_assert_int_eq(listener_mend(listener, &service, &err), LISTENER_NOT_MENDED);
	ck_assert_ptr_nonnull(strstr(err.text, "inherited"));
	ck_assert(listener->fd >= 0 && !listener->lost);
}
END_TEST

START_TEST(one_that_refuses_by_order)
{
	open_at("127.0.0.1:0");
	listener_refuse(listener);
	ck_assert_int_eq(listener_look(listener), LISTEN_WELL);
	ck_assert_int_eq(listener_readmit(listener, &service, &err), 0);
	listener_quiesce(listener, true);
	ck_assert_int_eq(listener_look(listener), LISTEN_WELL);
}
END_TEST

int main(void)
{
	return SUITE_RUN("listener_mend", setup, tcp_listens_again, unix_is_bound_anew, one_that_is_well_stays,
			 datagrams_wait_for_the_address, any_address_keeps_both_families,
			 what_is_not_ours_is_not_bound_anew, one_that_refuses_by_order);
}
