/* SPDX-License-Identifier: MIT */
/*
 * Worker. The PROXY protocol on a connection that was just accepted: which peers must send a header, which may, and
 * which are refused. It reads the header from the socket, and not one byte of what follows: the rest stays in the
 * socket, because programs read the socket themselves.
 */
#ifndef PREFORKD_GATE_PROXY_H
#define PREFORKD_GATE_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "board/refusal.h"
#include "net/proxy_header.h"

struct config_service;
struct preforkd_conn;
struct unix_peer;

struct proxy_taken {
	size_t size;		    /* bytes of the header, which were read; 0: there was none */
	struct proxy_header header; /* if size > 0 */
	bool empty;		    /* the peer closed without sending a byte: a probe */
	struct err err;		    /* after a refusal: the reason, for the log */
};

/*
 * The result depends on PEER, the address of the connection (CRED: its credentials on a unix socket, else NULL):
 *   in proxy_protocol.from              a header is required
 *   in both from and without            a header is read; other bytes stay in the socket; a silent peer is waited for
 *   in proxy_protocol.without only      nothing is read
 *   in neither                          REFUSED_PROXY_UNTRUSTED
 * Without proxy_protocol.from it does nothing. Blocks for at most proxy_protocol.timeout. deadline_begin() must have
 * been called for FD: timeouts.total and an order to leave now hold as well. After any of these the result is
 * REFUSED_PROXY_TIMEOUT, and FD is shut down.
 */
enum refusal proxy_take(int fd, const struct config_service *service, const struct sockaddr_any *peer,
			const struct unix_peer *cred, struct proxy_taken *out);

/* The same for CONN; conn->peer becomes the client that the header names. */
enum refusal proxy_admit(struct preforkd_conn *conn, const struct unix_peer *cred, struct proxy_taken *out);

#endif
