/* SPDX-License-Identifier: MIT */
/*
 * Worker. One connection, from its begin to its end. <preforkd/module.h> is the service's side of it: conn.c has the
 * calls that need no waiting, conn_io.c reads and writes, conn_line.c does lines, conn_say.c names the reason when a
 * connection ended badly.
 */
#ifndef PREFORKD_SERVICES_CONN_H
#define PREFORKD_SERVICES_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct board_slot;
struct config_service;
struct death;
struct proxy_header;
struct unix_peer;

struct preforkd_conn {
	int fd; /* -1: a datagram, which has no socket of its own */
	const struct config_service *service;
	struct sockaddr_any peer;  /* the client that counts: the sender, or the client that a PROXY header names */
	struct sockaddr_any via;   /* the proxy that sent that header; len 0: there is none */
	struct sockaddr_any local; /* the address that the header says the client connected to; len 0: ask the socket */
	const struct unix_peer *sender; /* of a datagram on a unix socket, where it is known; NULL: ask the socket */
	struct board_slot *slot;	/* where it is counted; NULL: nowhere */
	/* Not NULL: not a connection, but the service's own datagram socket, on which everybody is a client. Says
	 * whether the worker has been ordered to leave. */
	bool (*ordered_to_leave)(void);
	int64_t start_ms;	    /* when it began (base/clock.h) */
	int64_t own_ms;		    /* the service's own limit (preforkd_deadline()), for the message */
	uint64_t in, out;	    /* payload bytes */
	uint64_t header;	    /* bytes of the PROXY header */
	size_t ahead_at, ahead_len; /* what conn_io.c has read ahead: a part of its buffer */
	bool limited;		    /* the configured limits are in force */
	bool greeted;		    /* the client has sent its first byte */
	bool probe;		    /* a health check: counted as one, and not logged */
	bool peer_done;		    /* the client has finished sending, and all was read: close(2) will not reset */
	bool reset;    /* the client did not get everything: end with a reset, which it cannot take for an end */
	bool hung_up;  /* the client left before the service had finished, and that is the reason: no failure of the
			  service */
	bool unserved; /* the service could not serve it: its failure, even if the client left meanwhile */
	bool spent;    /* something of it lives on and cannot be ended: this worker is to be replaced */
	bool unfit;    /* something of it is left that no other client may find: this worker must leave now */
	char peer_text[ADDR_TEXT_MAX]; /* for preforkd_peer(); "": not made yet */
	char reason[256];	       /* why it ended badly; "": it did not */
	const struct death *death;     /* of its program, which is why; NULL: it has not died (program_death.h) */
};

/* Begins CONN for an accepted socket, which it owns from now on, and starts timeouts.total. SLOT may be NULL. */
void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot);

/* Begins CONN for one datagram from PEER: no socket, no reading and writing, and no limits. */
void conn_begin_datagram(struct preforkd_conn *conn, const struct sockaddr_any *peer,
			 const struct config_service *service, struct board_slot *slot);

/* Begins CONN for the service's own datagram SOCKET, which stays the caller's: no peer, and no limits. */
void conn_begin_shared(struct preforkd_conn *conn, int socket, bool (*ordered_to_leave)(void),
		       const struct config_service *service, struct board_slot *slot);

/* The peer's address may be forged: it sent a datagram, and no handshake has proven the address. */
bool conn_may_be_forged(const struct preforkd_conn *conn);

/* A trusted PROXY header of SIZE bytes was read: its addresses take the place of the peer's, as far as it has any. */
void conn_claim(struct preforkd_conn *conn, const struct proxy_header *header, size_t size);

/* ", via 10.0.0.1:4711" for a client behind a proxy, else "". Returns OUT. */
#define CONN_VIA_MAX (ADDR_TEXT_MAX + 8)
const char *conn_via_text(const struct preforkd_conn *conn, char *out, size_t size);

/* Puts the configured limits in force, unless they are. UNSEEN: a program has the connection, so its bytes do not pass
 * through this process. */
void conn_limit(struct preforkd_conn *conn, bool unseen);

/* Counts payload bytes from the client and to it. */
void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out);

/*
 * The service has finished: waits within the limits until the client has all that was written, whatever the client
 * sends meanwhile. False: a limit or an order has cut the connection before.
 */
bool conn_deliver(struct preforkd_conn *conn);

/* Ends the limits and closes the socket; with conn->reset, resets it. May block for as long as a lingering close takes
 * (net/linger.h). */
void conn_end(struct preforkd_conn *conn);

#endif
