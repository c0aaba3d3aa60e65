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

struct preforkd_conn {
	int fd;
	const struct config_service *service;
	struct sockaddr_any peer;
	int64_t start_ms;
	int64_t own_ms; /* the service's own limit, for the message */
	uint64_t in, out; /* payload */
	struct board_slot *slot; /* where it is counted for others to see; NULL: nowhere */
	size_t ahead_at, ahead_len; /* what was read ahead (conn_line.c) */
	bool greeted;	  /* the client has sent its first byte */
	bool peer_done;	  /* the client has finished sending: nothing unread can be left */
	char peer_text[ADDR_TEXT_MAX]; /* "" until somebody asks */
	char reason[256];	       /* why it ended badly; "" if it did not */
};

/* Lays CONN for an accepted socket and starts its time limits. */
void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot);

/* So many bytes more have come from the client and gone to it. */
void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out);

/* At most SIZE bytes of what preforkd_read_line() has read ahead; 0: there is none. */
size_t conn_take_ahead(struct preforkd_conn *conn, void *buf, size_t size);

/* The service is done with it: no more limits, the socket closed so that the peer gets everything. */
void conn_end(struct preforkd_conn *conn);

/* "idle for 60s", "cut: the worker had to stop", ...: for a connection that a limit has ended. */
void conn_say_cut(struct preforkd_conn *conn);

#endif
