/* SPDX-License-Identifier: MIT */
#include "worker/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <preforkd/module.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/log.h"
#include "config/config.h"
#include "gate/gate.h"
#include "gate/refuse.h"
#include "net/datagram.h"
#include "services/conn.h"

#define ANSWER_MOST 65507 /* largest answer where it may exceed the request: 65535 less the headers (RFC 768) */

static char reply[DATAGRAM_MAX];

/* The local port of SOCKET. A worker has one socket for life, so it is asked once. */
static uint16_t own_port(int socket)
{
	static struct sockaddr_any own;

	if (own.len == 0) {
		own.len = sizeof(own.ss);
		if (getsockname(socket, &own.sa, &own.len) < 0)
			own.len = 0;
	}
	return addr_port(&own);
}

/*
 * Datagrams from these ports are replies of servers like ours (echo, chargen ...), perhaps our own; answering one could
 * start an endless exchange. A module decides for itself: there are protocols in which both sides use the same port.
 */
static bool is_answering_port(const struct gate *gate, int socket, const struct sockaddr_any *peer)
{
	if (peer->sa.sa_family == AF_UNIX)
		return false;
	if (gate->service->module == NULL && addr_port(peer) == own_port(socket))
		return true;
	switch (addr_port(peer)) {
	case 0:
	case 7:	 /* echo */
	case 9:	 /* discard */
	case 13: /* daytime */
	case 19: /* chargen */
	case 37: /* time */
		return true;
	default:
		return false;
	}
}

/*
 * The largest answer that may be sent. The sender's address may be forged, so a sender that no rule of access allows by
 * itself gets at most as many bytes as it sent: we must not amplify a flood. A sender on a unix socket cannot be
 * forged.
 */
static size_t largest_answer(const struct gate *gate, const struct datagram *datagram)
{
	const struct access_rule *rule = gate->visit.verdict.rule;

	if (datagram->len < ANSWER_MOST && (datagram->peer.sa.sa_family == AF_UNIX || (rule != NULL && rule->allow)))
		return ANSWER_MOST;
	return datagram->len;
}

/* The sender is not told, and no counter says why: so the log does. */
static void log_unsent(struct preforkd_conn *conn, int code)
{
	static struct log_limit limit;
	unsigned missed;

	if (code == ECONNREFUSED || code == ENOENT || !log_limit(&limit, &missed)) /* the sender is gone: normal */
		return;
	if (missed > 0)
		preforkd_log(conn, LOG_NOTICE, "cannot answer: %s; %u more since the last such line", strerror(code),
			     missed);
	else
		preforkd_log(conn, LOG_NOTICE, "cannot answer: %s", strerror(code));
}

static void send_answer(int socket, const struct datagram *datagram, size_t len, struct preforkd_conn *conn)
{
	if (datagram->nameless || datagram->to_many)
		return;
	if (datagram_answer(socket, datagram, reply, len) == 0)
		conn_count(conn, 0, len);
	else
		log_unsent(conn, errno);
}

bool datagrams_serve(struct gate *gate, int socket, const struct datagram *datagram, struct preforkd_conn *conn)
{
	const struct preforkd_module *handler = gate->service->handler;
	enum refusal refusal;
	size_t most;
	ssize_t len;

	refusal = gate_admit(gate, conn, false);
	if (refusal == REFUSED_NOT && is_answering_port(gate, socket, &datagram->peer))
		refusal = REFUSED_ANSWER_PORT;
	if (refusal == REFUSED_NOT && datagram->cut)
		refusal = REFUSED_ANSWER_SIZE;
	if (refusal != REFUSED_NOT) {
		refuse_datagram(gate, conn, refusal);
		return false;
	}
	most = largest_answer(gate, datagram);
	len = handler->answer(datagram->bytes, datagram->len, reply, most);
	if (len > (ssize_t)most) {
		refuse_datagram(gate, conn, REFUSED_ANSWER_SIZE);
		return false;
	}
	conn_count(conn, datagram->len, 0);
	if (len >= 0)
		send_answer(socket, datagram, (size_t)len, conn);
	return true;
}
