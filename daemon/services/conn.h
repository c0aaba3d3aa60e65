/* SPDX-License-Identifier: MIT */
/*
 * One connection, from the worker's side; <preforkd/module.h> is the service's side of it.
 */
#ifndef PREFORKD_SERVICES_CONN_H
#define PREFORKD_SERVICES_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct board_slot;
struct config_service;

struct preforkd_conn {
	int fd;
	const struct config_service *service;
	struct sockaddr_any peer;
	int64_t start_ms;
	uint64_t in, out; /* payload */
	struct board_slot *slot; /* where it is counted for others to see; NULL: nowhere */
	bool greeted;	  /* the client has sent its first byte */
	bool peer_done;	  /* the client has finished sending: nothing unread can be left */
	bool reset;	  /* what the client got is not all: the end must not look like one */
	char peer_text[ADDR_TEXT_MAX]; /* "" until somebody asks */
	char reason[256];	       /* why it ended badly; "" if it did not */
};

/* Lays CONN for an accepted socket and starts its time limits. */
void conn_begin(struct preforkd_conn *conn, int fd, const struct sockaddr_any *peer,
		const struct config_service *service, struct board_slot *slot);

/* So many bytes more have come from the client and gone to it. */
void conn_count(struct preforkd_conn *conn, uint64_t in, uint64_t out);

/* The time limits that hold while the service waits for the client, from now on; READING: for it to send. For a
 * service that waits for other things as well, before each wait that something happened before. */
void conn_limit(const struct preforkd_conn *conn, bool reading);

/* The service is done with it: no more limits, the socket closed so that the peer gets everything. */
void conn_end(struct preforkd_conn *conn);

/* "idle for 60s", "cut: the worker had to stop", ...: for a connection that a limit has ended. */
void conn_say_cut(struct preforkd_conn *conn);

#endif
