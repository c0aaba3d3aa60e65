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
#include "net/unix_peer.h"
#include "services/deadline.h"
#include "services/self.h"

/* Does the service wait for a first byte of the client? If not, first_byte does not apply. */
static bool needs_client_first(const struct config_service *service)
{
	return service->handler == NULL || (service->handler->flags & PREFORKD_SPEAKS_FIRST) == 0;
}

/* Can it be seen that the client sends something? Not where a program reads from a unix socket itself. */
static bool is_seen(const struct config_service *service, const struct sockaddr_any *peer)
{
	return service->handler == NULL || (service->handler->flags & PREFORKD_COMMAND) == 0 ||
	       peer->sa.sa_family != AF_UNIX;
}

/* When the client connected. The system call that tells the time in the queue is spent only where the time decides
 * which client is evicted; elsewhere the handler of the deadlines corrects it. */
static int64_t silent_since(const struct preforkd_conn *conn)
{
	int64_t queued_ms;
	bool heard;

	if (conn->service->workers.on_full != ON_FULL_EVICT || tcp_info_queued(conn->fd, &queued_ms, &heard) < 0)
		return conn->start_ms;
	return conn->start_ms - queued_ms;
}

/* Begins it but for the time limits. */
static void set_up_conn(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
			const struct config_service *service, struct board_slot *slot)
{
	*conn = (struct preforkd_conn){
		.fd = fd, .service = service, .peer = *peer, .slot = slot, .start_ms = clock_coarse_ms()};
	if (slot == NULL)
		return;
	atomic_store_explicit(&slot->silent_since_ms, silent_since(conn), memory_order_relaxed);
	/* after the time: a reader that finds `greeted` 0 relies on the time */
	atomic_store_explicit(&slot->greeted, !needs_client_first(service) || !is_seen(service, peer),
			      memory_order_release);
}

void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot)
{
	set_up_conn(conn, fd, peer, service, slot);
	deadline_begin(fd, service->timeouts.total > 0 ? conn->start_ms + service->timeouts.total : 0);
}

void conn_begin_datagram(struct preforkd_conn *conn, const struct sockaddr_any *peer,
			 const struct config_service *service, struct board_slot *slot)
{
	set_up_conn(conn, -1, peer, service, slot);
}

void conn_begin_shared(struct preforkd_conn *conn, int socket, bool (*ordered_to_leave)(void),
		       const struct config_service *service, struct board_slot *slot)
{
	const struct sockaddr_any nobody = {.len = 0};

	set_up_conn(conn, socket, &nobody, service, slot);
	conn->ordered_to_leave = ordered_to_leave;
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
		.first_byte = needs_client_first(conn->service) ? t->first_byte : 0,
		.first_byte_busy = t->first_byte_busy,
		.idle = t->idle,
		.send = t->send,
		.half_closed = t->half_closed,
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

static void note_taken(void)
{
	deadline_waits(DEADLINE_WRITES);
}

bool conn_deliver(struct preforkd_conn *conn)
{
	uint64_t in, out;

	/* The service may have taken our own reset for the end of a client that had enough. */
	if (deadline_was_reset(&in, &out))
		return false;
	if (preforkd_ended(conn) || conn->reset || conn->peer_done || tcp_info_pending(conn->fd) == 0)
		return true;
	/* as for a service that writes: the client has its answer, if it greeted or not, and on a unix socket the
	 * limits hold, too */
	conn->limited = false;
	conn_limit(conn, false);
	deadline_greeted();
	linger_deliver(conn->fd, note_taken);
	deadline_waited();
	return !preforkd_ended(conn);
}

void conn_end(struct preforkd_conn *conn)
{
	bool cut = deadline_passed() != DEADLINE_NONE || deadline_was_cut();
	const struct linger at_once = {.l_onoff = 1};
	uint64_t in, out;

	deadline_end();
	/* the kernel need not keep what the client did not take in all that time */
	if (deadline_passed() == DEADLINE_SEND || deadline_was_reset(&in, &out))
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (conn->reset && !cut)
		relay_reset(&conn->fd);
	else if (conn->peer_done || cut)
		fd_close(&conn->fd);
	else
		linger_close(&conn->fd);
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
		conn->hung_up = false; /* the service has a reason of its own */
	} else {
		self_fail(reason);
	}
	errno = saved;
	return -1;
}

/* A client on a unix socket has no address; the kernel knows which process it was when it connected. */
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
	if (conn != NULL && conn->ordered_to_leave == NULL) /* else the datagrams of many peers come here */
		about.peer = preforkd_peer(conn);
	va_start(ap, fmt);
	log_vabout(priority, &about, fmt, ap);
	va_end(ap);
}
