/* SPDX-License-Identifier: MIT */
/* A connection with a service's calls on one end and the test on the other. */
#ifndef PREFORKD_TESTS_CONN_CASE_H
#define PREFORKD_TESTS_CONN_CASE_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "config/config.h"
#include "net/addr.h"
#include "services/conn.h"
#include "services/deadline.h"

#include "../suite.h"

static struct config_service service;
static struct preforkd_conn conn;
static struct board_slot slot;
static int far_end; /* the client's */
static char buf[65536];

static inline int tcp_pair(int *client_out)
{
	struct sockaddr_any addr = {.len = sizeof(addr.in)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	addr.in.sin_family = AF_INET;
	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &addr.sa, &addr.len), 0);
	*client_out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(*client_out, &addr.sa, addr.len), 0);
	fd = accept(listener, NULL, NULL);
	(void)close(listener);
	return fd;
}

static inline void setup(void)
{
	memset(&service, 0, sizeof(service));
	service.name = (char *)"test";
	signals_harmless();
	deadline_init(true);
	log_set_level(LOG_EMERG);
}

static inline void begin_on(bool tcp)
{
	struct sockaddr_any peer = {.len = sizeof(peer.in)};
	int pair[2];

	peer.in.sin_family = tcp ? AF_INET : AF_UNIX;
	if (tcp) {
		pair[0] = tcp_pair(&far_end);
	} else {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		far_end = pair[1];
	}
	conn_begin(&conn, pair[0], &peer, &service, &slot);
}

static inline void begin(void)
{
	begin_on(true);
}

#endif
