/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, on a connection that was just accepted: whose header is believed, who must send one, and who may
 * come without. Takes the header from the socket and not one byte of what follows it; what it does not take it leaves
 * there, for programs read the socket themselves.
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
	size_t size;		    /* bytes of the header, which are taken from the socket; 0: there was none */
	struct proxy_header header; /* where there is one */
	bool empty;		    /* the peer has gone again without a byte: a probe of the port */
	struct err err;		    /* a refusal: one line for the log */
};

/*
 * By the peer that is really there (CRED: of a unix socket, else NULL):
 *   in proxy_protocol.from              a header is required
 *   in from, and in without             what is no header is left where it is; who says nothing at all is waited for
 *   in without only                     nothing is looked at
 *   in neither                          REFUSED_PROXY_UNTRUSTED
 * Without proxy_protocol.from it does nothing. Blocks for proxy_protocol.timeout at most, by a limit of
 * services/deadline.h: deadline_begin() has been called for FD, what holds for the whole connection goes on
 * holding, and so does an order to leave at once; after either REFUSED_PROXY_TIMEOUT, and FD is shut down.
 */
enum refusal proxy_take(int fd, const struct config_service *service, const struct sockaddr_any *peer,
			const struct unix_peer *cred, struct proxy_taken *out);

/* The same for CONN, which has begun: its peer becomes the one that the header claims. */
enum refusal proxy_admit(struct preforkd_conn *conn, const struct unix_peer *cred, struct proxy_taken *out);

#endif
