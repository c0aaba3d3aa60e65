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
#include "net/proxy_header.h"
#include "net/relay.h"
#include "net/tcp_info.h"
#include "services/deadline.h"
#include "services/self.h"

/* A client from whom nothing is expected has no first byte to be late with. */
static bool client_begins(const struct config_service *service)
{
	return service->handler == NULL || (service->handler->flags & PREFORKD_SPEAKS_FIRST) == 0;
}

static bool needs_first_byte(const struct config_service *service)
{
	return service->timeouts.first_byte > 0 && client_begins(service);
}

/* What a program reads from a unix socket nobody else sees. */
static bool is_seen(const struct config_service *service, const struct sockaddr_any *peer)
{
	return service->handler == NULL || (service->handler->flags & PREFORKD_COMMAND) == 0 ||
	       peer->sa.sa_family != AF_UNIX;
}

/* With the time in the queue, where it decides who gives way; elsewhere a look of deadline.c finds out in time. */
static int64_t silent_since(const struct preforkd_conn *conn)
{
	int64_t queued_ms;
	bool heard;

	if (conn->service->workers.on_full != ON_FULL_EVICT || tcp_info_queued(conn->fd, &queued_ms, &heard) < 0)
		return conn->start_ms;
	return conn->start_ms - queued_ms;
}

/* All but the time limits. */
static void lay(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot)
{
	conn->fd = fd;
	conn->slot = slot;
	conn->service = service;
	conn->peer = *peer;
	conn->via.len = conn->local.len = 0;
	conn->start_ms = clock_coarse_ms();
	conn->in = conn->out = 0;
	conn->ahead_at = conn->ahead_len = 0;
	conn->own_ms = 0;
	conn->header = 0;
	conn->told = NULL;
	conn->sender = NULL;
	conn->limited = conn->greeted = conn->probe = conn->peer_done = conn->reset = conn->hung_up = conn->unserved =
		conn->spent = false;
	conn->peer_text[0] = conn->reason[0] = '\0';
	if (slot != NULL) {
		atomic_store_explicit(&slot->silent_since_ms, silent_since(conn), memory_order_relaxed);
		/* after the time, for who reads it as 0 relies on that */
		atomic_store_explicit(&slot->greeted, !client_begins(service) || !is_seen(service, peer),
				      memory_order_release);
	}
}

void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot)
{
	lay(conn, fd, peer, service, slot);
	deadline_begin(fd, service->timeouts.total > 0 ? conn->start_ms + service->timeouts.total : 0);
}

void conn_begin_datagram(struct preforkd_conn *conn, const struct sockaddr_any *peer,
			 const struct config_service *service, struct board_slot *slot)
{
	lay(conn, -1, peer, service, slot);
}

void conn_begin_shared(struct preforkd_conn *conn, int socket, bool (*told)(void), const struct config_service *service,
		       struct board_slot *slot)
{
	const struct sockaddr_any nobody = {.len = 0};

	lay(conn, socket, &nobody, service, slot);
	conn->told = told;
}

bool conn_may_be_forged(const struct preforkd_conn *conn)
{
	return conn->fd < 0 && conn->peer.sa.sa_family != AF_UNIX;
}

void conn_claim(struct preforkd_conn *conn, const struct proxy_header *header, size_t size)
{
	conn->header = size;
	if (!header->known)
		return;
	conn->via = conn->peer;
	conn->peer = header->source;
	conn->local = header->destination;
	conn->peer_text[0] = '\0';
}

const char *conn_via_text(const struct preforkd_conn *conn, char *out, size_t size)
{
	char text[ADDR_TEXT_MAX];

	out[0] = '\0';
	if (conn->via.len != 0)
		(void)snprintf(out, size, ", via %s", addr_format(&conn->via, text, sizeof(text)));
	return out;
}

void conn_limit(struct preforkd_conn *conn, bool unseen)
{
	const struct config_timeouts *t = &conn->service->timeouts;
	struct deadline_limits limits = {
		.start = conn->start_ms,
		.first_byte = needs_first_byte(conn->service) ? t->first_byte : 0,
		.first_byte_busy = t->first_byte_busy,
		.idle = t->idle,
		.send = t->send,
		.header = conn->header,
		.unseen = unseen,
	};

	if (conn->limited)
		return;
	conn->limited = true;
	if (conn->slot != NULL) {
		limits.greeted = &conn->slot->greeted;
		limits.silent_since = &conn->slot->silent_since_ms;
	}
	deadline_limit(&limits);
}

void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out)
{
	conn->in += in;
	conn->out += out;
	if (conn->slot == NULL)
		return;
	if (in > 0)
		board_count(&conn->slot->bytes_in, in);
	if (out > 0)
		board_count(&conn->slot->bytes_out, out);
}

void conn_end(struct preforkd_conn *conn)
{
	bool cut = deadline_passed() != DEADLINE_NONE || deadline_was_cut();
	const struct linger at_once = {.l_onoff = 1};

	deadline_end();
	/* What it did not take in all that time the kernel need not keep for it. */
	if (deadline_passed() == DEADLINE_SEND)
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
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
	case DEADLINE_FIRST_BYTE_BUSY:
		format_duration(t->first_byte_busy, limit, sizeof(limit));
		(void)preforkd_fail(conn,
				    "no first byte within %s while all workers are busy and others wait "
				    "(timeouts.first_byte_busy)",
				    limit);
		break;
	case DEADLINE_IDLE:
		format_duration(t->idle, limit, sizeof(limit));
		(void)preforkd_fail(conn, "idle for %s (timeouts.idle)", limit);
		break;
	case DEADLINE_SEND:
		format_duration(t->send, limit, sizeof(limit));
		(void)preforkd_fail(conn, "the client took nothing for %s (timeouts.send)", limit);
		break;
	case DEADLINE_TOTAL:
		format_duration(t->total, limit, sizeof(limit));
		(void)preforkd_fail(conn, "not finished within %s (timeouts.total)", limit);
		break;
	case DEADLINE_OWN:
		format_duration(conn->own_ms, limit, sizeof(limit));
		(void)preforkd_fail(conn, "not finished within %s (the service's own limit)", limit);
		break;
	case DEADLINE_EVICTED:
		(void)preforkd_fail(conn, "gave way to another client (workers.on_full)");
		break;
	case DEADLINE_PROXY: /* then nothing was served */
	case DEADLINE_NONE:
		if (deadline_was_cut())
			(void)preforkd_fail(conn, "cut, because the worker had to stop");
		break;
	}
}

void conn_say_something(struct preforkd_conn *conn)
{
	if (conn->reason[0] == '\0')
		conn_say_cut(conn);
	if (conn->reason[0] == '\0')
		(void)preforkd_fail(conn, "the service gave up, and does not say why");
}

static void say_lost(struct preforkd_conn *conn, int code)
{
	const struct sockaddr_any *near = conn->via.len != 0 ? &conn->via : &conn->peer;
	int64_t allowed = conn->service->socket.user_timeout;
	struct tcp_traffic traffic;
	char limit[32];

	if (near->sa.sa_family == AF_UNIX) {
		(void)preforkd_fail(conn, "the client is gone (closed)");
		return;
	}
	if (code != ETIMEDOUT || tcp_info_traffic(conn->fd, &traffic) < 0) {
		(void)preforkd_fail(conn, "the client is gone%s%s%s", code != 0 ? " (" : "",
				    code == ECONNRESET || code == EPIPE ? "reset"
				    : code != 0				? strerror(code)
									: "",
				    code != 0 ? ")" : "");
		return;
	}
	format_duration(allowed, limit, sizeof(limit));
	/* the kernel does not wait for ever on a client that says again and again that it has no room, either */
	if (allowed > 0 && traffic.heard_ms < allowed)
		(void)preforkd_fail(conn, "the client took nothing for %s (socket.user_timeout)", limit);
	else if (traffic.waiting)
		(void)preforkd_fail(conn, "the client has vanished (socket.user_timeout)");
	else
		(void)preforkd_fail(conn, "the client has vanished (socket.keepalive)");
}

void conn_say_lost(struct preforkd_conn *conn, int code)
{
	say_lost(conn, code);
	conn->hung_up = true;
}

bool conn_ended_by_us(struct preforkd_conn *conn)
{
	if (!preforkd_ended(conn))
		return false;
	conn_say_cut(conn);
	errno = deadline_was_cut() ? ECANCELED : ETIMEDOUT;
	return true;
}

static int failed(struct preforkd_conn *conn, const char *what)
{
	int code = errno;

	if (code == ETIMEDOUT || code == ECONNRESET || code == EPIPE)
		conn_say_lost(conn, code);
	else
		(void)preforkd_fail(conn, "cannot %s: %s", what, strerror(code));
	errno = code;
	return -1;
}

/* Somebody made the socket non-blocking: wait for it as if it were not. */
static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	(void)poll(&p, 1, -1);
}

ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size)
{
	if (conn_ended_by_us(conn)) /* what has come before that is still there */
		return -1;
	if (conn->ahead_len > 0)
		return (ssize_t)conn_take_ahead(conn, buf, size);
	conn_limit(conn, false);
	deadline_waits(DEADLINE_READS);
	for (;;) {
		ssize_t n = recv(conn->fd, buf, size, 0);

		if (n > 0) {
			conn_count(conn, (uint64_t)n, 0);
			if (!conn->greeted)
				deadline_greeted();
			conn->greeted = true;
			deadline_waited();
			return n;
		}
		if (conn_ended_by_us(conn))
			return -1;
		if (n == 0) {
			conn->peer_done = size > 0;
			return 0;
		}
		if (errno == EAGAIN)
			wait_for(conn->fd, POLLIN);
		else if (errno != EINTR)
			return failed(conn, "read");
	}
}

int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size)
{
	const char *at = buf;
	bool moved = true;

	conn_limit(conn, false);
	while (size > 0) {
		ssize_t n;

		/* a signal ends the call with what has gone so far: that is how a long write is seen to move */
		if (moved)
			deadline_waits(DEADLINE_WRITES);
		n = send(conn->fd, at, size, MSG_NOSIGNAL);
		moved = n > 0;
		if (n > 0) {
			conn_count(conn, 0, (uint64_t)n);
			at += n;
			size -= (size_t)n;
			continue;
		}
		if (conn_ended_by_us(conn))
			return -1;
		if (errno == EAGAIN)
			wait_for(conn->fd, POLLOUT);
		else if (errno != EINTR)
			return failed(conn, "write");
	}
	deadline_waited();
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

void preforkd_deadline(struct preforkd_conn *conn, int64_t ms)
{
	int64_t now = clock_ms();

	conn->own_ms = ms > 0 ? ms : 0;
	deadline_own(ms > 0 && ms < INT64_MAX - now ? now + ms : 0);
}

int preforkd_fail(struct preforkd_conn *conn, const char *fmt, ...)
{
	char reason[sizeof(conn->reason)];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(reason, sizeof(reason), fmt, ap) < 0)
		reason[0] = '\0';
	va_end(ap);
	if (conn != NULL) {
		memcpy(conn->reason, reason, sizeof(reason));
		conn->hung_up = false; /* whatever the client did, this is what the service has to say */
	} else {
		self_fail(reason);
	}
	errno = saved;
	return -1;
}

/* A client on a unix socket has no address; the kernel knows who it was when it connected. */
static void name_unix_peer(struct preforkd_conn *conn)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		(void)snprintf(conn->peer_text, sizeof(conn->peer_text), "unix:uid=%u,pid=%d", (unsigned)cred.uid,
			       (int)cred.pid);
}

const char *preforkd_peer(struct preforkd_conn *conn)
{
	if (conn->peer_text[0] == '\0') {
		(void)addr_format(&conn->peer, conn->peer_text, sizeof(conn->peer_text));
		if (conn->peer.sa.sa_family == AF_UNIX && conn->via.len == 0)
			name_unix_peer(conn);
	}
	return conn->peer_text;
}

const char *preforkd_service(const struct preforkd_conn *conn)
{
	return conn != NULL ? conn->service->name : self_name();
}

void preforkd_log(struct preforkd_conn *conn, int priority, const char *fmt, ...)
{
	struct log_about about = {.service = preforkd_service(conn), .worker = getpid()};
	va_list ap;

	if (!log_enabled(priority))
		return;
	if (conn != NULL && conn->told == NULL) /* of all the datagrams of a socket there is not one peer */
		about.peer = preforkd_peer(conn);
	va_start(ap, fmt);
	log_vabout(priority, &about, fmt, ap);
	va_end(ap);
}
