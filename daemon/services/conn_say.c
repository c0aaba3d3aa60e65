/* SPDX-License-Identifier: MIT */
#include "services/conn_say.h"

#include <errno.h>
#include <preforkd/module.h>
#include <string.h>

#include "base/parse.h"
#include "config/config.h"
#include "net/tcp_info.h"
#include "services/conn.h"
#include "services/deadline.h"

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
	case DEADLINE_PROXY:	   /* gate/proxy.c says it: nothing was served */
	case DEADLINE_HALF_CLOSED: /* nothing has failed: the client has got all */
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

static void name_loss(struct preforkd_conn *conn, int code)
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
	/* TCP_USER_TIMEOUT also ends a connection whose client is there, and answers each probe with a window of 0 */
	if (allowed > 0 && traffic.heard_ms < allowed)
		(void)preforkd_fail(conn, "the client took nothing for %s (socket.user_timeout)", limit);
	else if (traffic.waiting)
		(void)preforkd_fail(conn, "the client has vanished (socket.user_timeout)");
	else
		(void)preforkd_fail(conn, "the client has vanished (socket.keepalive)");
}

void conn_say_lost(struct preforkd_conn *conn, int code)
{
	name_loss(conn, code);
	conn->hung_up = true;
}

bool conn_say_if_cut(struct preforkd_conn *conn)
{
	if (!preforkd_ended(conn))
		return false;
	conn_say_cut(conn);
	errno = deadline_was_cut() ? ECANCELED : ETIMEDOUT;
	return true;
}
