/* SPDX-License-Identifier: MIT */
#include "services/conn.h"

#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/parse.h"
#include "board/board.h"
#include "config/config.h"
#include "net/linger.h"
#include "net/relay.h"
#include "services/deadline.h"

void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot)
{
	conn->fd = fd;
	conn->slot = slot;
	conn->service = service;
	conn->peer = *peer;
	conn->start_ms = clock_coarse_ms();
	conn->in = conn->out = 0;
	conn->greeted = conn->peer_done = conn->reset = false;
	conn->peer_text[0] = conn->reason[0] = '\0';
	deadline_begin(fd, service->timeouts.total > 0 ? conn->start_ms + service->timeouts.total
						       : 0);
}

static void bump(_Atomic uint64_t *counter, uint64_t by)
{
	/* one writer: no need for a locked instruction */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out)
{
	conn->in += in;
	conn->out += out;
	if (conn->slot == NULL)
		return;
	if (in > 0)
		bump(&conn->slot->bytes_in, in);
	if (out > 0)
		bump(&conn->slot->bytes_out, out);
}

void conn_end(struct preforkd_conn *conn)
{
	bool cut = deadline_passed() != DEADLINE_NONE || deadline_was_cut();

	deadline_end();
	if (conn->reset)
		relay_reset(&conn->fd);
	else if (conn->peer_done || cut)
		fd_close(&conn->fd);
	else
		linger_close(&conn->fd);
}

void conn_say_cut(struct preforkd_conn *conn)
{
	const struct config_timeouts *t = &conn->service->timeouts;
	char limit[32];

	switch (deadline_passed()) {
	case DEADLINE_FIRST_BYTE:
		format_duration(t->first_byte, limit, sizeof(limit));
		(void)preforkd_fail(conn, "no first byte within %s (timeouts.first_byte)", limit);
		break;
	case DEADLINE_IDLE:
		format_duration(t->idle, limit, sizeof(limit));
		(void)preforkd_fail(conn, "idle for %s (timeouts.idle)", limit);
		break;
	case DEADLINE_TOTAL:
		format_duration(t->total, limit, sizeof(limit));
		(void)preforkd_fail(conn, "not finished within %s (timeouts.total)", limit);
		break;
	case DEADLINE_NONE:
		if (deadline_was_cut())
			(void)preforkd_fail(conn, "cut, because the worker had to stop");
		break;
	}
}

void conn_limit(const struct preforkd_conn *conn, bool reading)
{
	const struct config_timeouts *t = &conn->service->timeouts;

	if (reading && !conn->greeted && t->first_byte > 0)
		deadline_set(DEADLINE_FIRST_BYTE, conn->start_ms + t->first_byte, 0);
	else if (t->idle > 0)
		deadline_set(DEADLINE_IDLE, clock_coarse_ms() + t->idle, t->idle);
	else
		deadline_set(DEADLINE_NONE, 0, 0);
}

/* After a call on the socket failed or ended early: was it us? Then errno and the reason are ours. */
static bool ended_by_us(struct preforkd_conn *conn)
{
	if (!preforkd_ended(conn))
		return false;
	conn_say_cut(conn);
	errno = deadline_was_cut() ? ECANCELED : ETIMEDOUT;
	return true;
}

/* Somebody made the socket non-blocking: wait for it as if it were not. */
static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	(void)poll(&p, 1, -1);
}

ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size)
{
	conn_limit(conn, true);
	for (;;) {
		ssize_t n = recv(conn->fd, buf, size, 0);

		if (n > 0) {
			conn_count(conn, (uint64_t)n, 0);
			conn->greeted = true;
			return n;
		}
		if (ended_by_us(conn))
			return -1;
		if (n == 0) {
			conn->peer_done = true;
			return 0;
		}
		if (errno == EAGAIN)
			wait_for(conn->fd, POLLIN);
		else if (errno != EINTR)
			return preforkd_fail(conn, "cannot read: %s", strerror(errno));
	}
}

int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size)
{
	const char *at = buf;

	conn_limit(conn, false);
	while (size > 0) {
		ssize_t n = send(conn->fd, at, size, MSG_NOSIGNAL);

		if (n > 0) {
			conn_count(conn, 0, (uint64_t)n);
			at += n;
			size -= (size_t)n;
			if (size > 0)
				conn_limit(conn, false);
			continue;
		}
		if (ended_by_us(conn))
			return -1;
		if (errno == EAGAIN)
			wait_for(conn->fd, POLLOUT);
		else if (errno != EINTR)
			return preforkd_fail(conn, "cannot write: %s", strerror(errno));
	}
	return 0;
}

int preforkd_fd(const struct preforkd_conn *conn)
{
	return conn->fd;
}

bool preforkd_ended(const struct preforkd_conn *conn)
{
	(void)conn;
	return deadline_passed() != DEADLINE_NONE || deadline_was_cut();
}

int preforkd_fail(struct preforkd_conn *conn, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(conn->reason, sizeof(conn->reason), fmt, ap) < 0)
		conn->reason[0] = '\0';
	va_end(ap);
	errno = saved;
	return -1;
}

/* A client on a unix socket has no address; the kernel knows who it was when it connected. */
static void name_unix_peer(struct preforkd_conn *conn)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		(void)snprintf(conn->peer_text, sizeof(conn->peer_text), "unix:uid=%u,pid=%d",
			       (unsigned)cred.uid, (int)cred.pid);
}

const char *preforkd_peer(struct preforkd_conn *conn)
{
	if (conn->peer_text[0] == '\0') {
		(void)addr_format(&conn->peer, conn->peer_text, sizeof(conn->peer_text));
		if (conn->peer.sa.sa_family == AF_UNIX)
			name_unix_peer(conn);
	}
	return conn->peer_text;
}

const char *preforkd_service(const struct preforkd_conn *conn)
{
	return conn->service->name;
}

void preforkd_log(struct preforkd_conn *conn, int priority, const char *fmt, ...)
{
	struct log_about about = {.service = conn->service->name, .worker = getpid()};
	va_list ap;

	if (!log_enabled(priority))
		return;
	about.peer = preforkd_peer(conn);
	va_start(ap, fmt);
	log_vabout(priority, &about, fmt, ap);
	va_end(ap);
}
