/* SPDX-License-Identifier: MIT */
#include "worker/datagrams.h"

#include <netinet/in.h>
#include <preforkd/module.h>
#include <string.h>

#include "config/config.h"
#include "gate/gate.h"
#include "gate/refuse.h"
#include "net/datagram.h"
#include "services/conn.h"

#define ANSWER_MOST 65507 /* where it may be larger than the request: 65535 less the headers (RFC 768) */

static char reply[DATAGRAM_MAX];

/* From these come the answers of such services as ours: two of them would answer each other for ever. */
static bool is_answering_port(const struct sockaddr_any *peer)
{
	if (peer->sa.sa_family == AF_UNIX)
		return false;
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
 * The sender's address may be forged: whoever is not allowed by a rule of its own gets no more than it has sent, so that
 * nobody else is flooded. Who is on a unix socket is who it says.
 */
static size_t most_for(const struct gate *gate, const struct datagram *datagram)
{
	const struct access_rule *rule = gate->verdict.rule;

	if (datagram->len < ANSWER_MOST &&
	    (datagram->peer.sa.sa_family == AF_UNIX || (rule != NULL && rule->allow)))
		return ANSWER_MOST;
	return datagram->len; /* what came in one can go in one */
}

bool datagrams_serve(struct gate *gate, int socket, const struct datagram *datagram, struct preforkd_conn *conn)
{
	const struct preforkd_module *handler = gate->service->handler;
	enum refusal refusal;
	size_t most;
	ssize_t len;

	refusal = gate_admit(gate, conn, false);
	if (refusal == REFUSED_NOT && is_answering_port(&datagram->peer))
		refusal = REFUSED_ANSWER_PORT;
	if (refusal == REFUSED_NOT && datagram->cut)
		refusal = REFUSED_ANSWER_SIZE;
	if (refusal != REFUSED_NOT) {
		gate_turn_away(gate, conn, refusal);
		return false;
	}
	most = most_for(gate, datagram);
	len = handler->answer(datagram->bytes, datagram->len, reply, most);
	if (len > (ssize_t)most) {
		gate_turn_away(gate, conn, REFUSED_ANSWER_SIZE);
		return false;
	}
	conn_count(conn, datagram->len, 0);
	if (len >= 0 && !datagram->nameless && !datagram->to_many &&
	    datagram_answer(socket, datagram, reply, (size_t)len) == 0)
		conn_count(conn, 0, (uint64_t)len);
	return true;
}
