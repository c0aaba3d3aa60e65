/* SPDX-License-Identifier: MIT */
/*
 * One connection, from the worker's side; <preforkd/module.h> is the service's side of it.
 */
#ifndef PREFORKD_SERVICES_CONN_H
#define PREFORKD_SERVICES_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct board_slot;
struct config_service;
struct proxy_header;
struct unix_peer;

struct preforkd_conn {
	int fd;
	const struct config_service *service;
	struct sockaddr_any peer;	/* who counts: as a proxy has said, or who is there */
	struct sockaddr_any via;	/* the proxy that has said it, who is there; len 0: there is none */
	const struct unix_peer *sender; /* of a datagram on a unix socket, if that is known; NULL: ask the socket */
	struct sockaddr_any local; /* where the client connected to, as the proxy has said; len 0: ask the socket */
	int64_t start_ms;
	int64_t own_ms;		    /* the service's own limit, for the message */
	uint64_t in, out;	    /* payload */
	struct board_slot *slot;    /* where it is counted for others to see; NULL: nowhere */
	uint64_t header;	    /* bytes from the client that are not payload: a PROXY header */
	bool limited;		    /* the limits of the configuration are in force */
	size_t ahead_at, ahead_len; /* what was read ahead (conn_line.c) */
	bool greeted;		    /* the client has sent its first byte */
	bool probe;		    /* a health check: counted, and not logged */
	bool peer_done;		    /* the client has finished sending: nothing unread can be left */
	bool reset;		    /* what the client got is not all: the end must not look like one */
	bool hung_up; /* the client was gone before the service had ended, and that is the reason: no failure of ours */
	bool (*told)(void); /* of a socket for datagrams, which is the service's own and no client's: has the worker
			     * been told to leave? NULL: of a connection */
	bool unserved; /* its program could not be run, or was killed: whatever the client did, that is ours to tell */
	bool spent;    /* something of it could not be ended: this worker is to be replaced */
	char peer_text[ADDR_TEXT_MAX]; /* "" until somebody asks */
	char reason[256];	       /* why it ended badly; "" if it did not */
};

/* Lays CONN for an accepted socket and starts its time limits. */
void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot);

/* The same for one datagram of PEER: there is nothing to read from or to write to, and nothing that could take time. */
void conn_begin_datagram(struct preforkd_conn *conn, const struct sockaddr_any *peer,
			 const struct config_service *service, struct board_slot *slot);

/* The same for the service's own SOCKET, with all the datagrams that there will be: no limit holds, nobody is the peer.
 */
void conn_begin_shared(struct preforkd_conn *conn, int socket, bool (*told)(void), const struct config_service *service,
		       struct board_slot *slot);

/* It has no connection, so nobody has seen that its peer is where it says. */
bool conn_may_be_forged(const struct preforkd_conn *conn);

/* A header of SIZE bytes has been taken from it, and is believed. What it does not say is as it was. */
void conn_claim(struct preforkd_conn *conn, const struct proxy_header *header, size_t size);

/* Who says what CONN's peer is: ", via 10.0.0.1:4711"; "" where nobody else is there. */
#define CONN_VIA_MAX (ADDR_TEXT_MAX + 8)
const char *conn_via_text(const struct preforkd_conn *conn, char *out, size_t size);

/* The time limits begin, if they have not yet: with a service's first read or write, or with a program, whose bytes
 * are UNSEEN. */
void conn_limit(struct preforkd_conn *conn, bool unseen);

/* So many bytes more have come from the client and gone to it. */
void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out);

/* At most SIZE bytes of what preforkd_read_line() has read ahead; 0: there is none. */
size_t conn_take_ahead(struct preforkd_conn *conn, void *buf, size_t size);

/* The service is done with it: no more limits, the socket closed so that the peer gets everything. */
void conn_end(struct preforkd_conn *conn);

/* "idle for 60s", "cut: the worker had to stop", ...: for a connection that a limit has ended. */
void conn_say_cut(struct preforkd_conn *conn);

/* For a connection that ended badly: why, in general terms, if the service has not said it. */
void conn_say_something(struct preforkd_conn *conn);

/* Before a call on the socket, and after one that failed or ended early: has a limit ended the connection, or an order?
 * Then errno and the reason say so. */
bool conn_ended_by_us(struct preforkd_conn *conn);

/* "the client is gone (reset)", ...: for a connection that the kernel has ended with the error CODE (0: unknown). It
 * has hung up, unless the service has another reason yet. */
void conn_say_lost(struct preforkd_conn *conn, int code);

#endif
