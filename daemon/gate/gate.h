/* SPDX-License-Identifier: MIT */
/*
 * Worker. The gate, which each client passes between accept(2) and serving: the worker looks up what is known about the
 * client, gate/decide.h decides, and the client takes its seat and its part of the rates. The gate looks up
 * only what the service has configured: if that is nothing, it makes no system call and reads no table.
 */
#ifndef PREFORKD_GATE_GATE_H
#define PREFORKD_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/load_average.h"
#include "board/sources.h"
#include "gate/decide.h"
#include "net/unix_peer.h"

struct board_head;
struct board_lane;
struct board_slot;
struct config_service;
struct preforkd_conn;
struct rate;

/* The facts about one client: gate_admit() begins them anew. */
struct gate_visit {
	bool asked, known; /* the kernel was asked who is at the other end of a unix socket, and knew: gate->who */
	bool sits;	   /* it has a seat in the table of sources */
	bool exempt;	   /* in access.exempt */
	bool empty;	   /* it left without sending a byte, so nobody needs to be refused: a probe */
	uint64_t key;	   /* of its source; 0: not needed so far */
	uint64_t rate_key; /* the key that its rate is counted under; only if there are rates */
	int64_t load;	   /* the load average, hundredths; only with access.max_load */
	struct gate_verdict verdict;
	struct sources_taken taken; /* the seats of others, when none was left for it */
	struct err err;		    /* what is wrong with its PROXY header; "": nothing */
};

/* One worker's gate. */
struct gate {
	const struct config_service *service;
	struct board_head *head;
	struct board_lane *lane;
	struct board_slot *slot;
	struct sources *sources; /* the worker's view; NULL: none is needed, or there is no memory for one */
	size_t seat;		 /* of this worker, in the table of sources */
	int listener;
	const struct rate *source_rate; /* of one source, for what comes here: connections or datagrams */
	unsigned needs;			/* what is configured (gate.c) */
	struct unix_peer who;		/* at the other end of a unix socket; its memory is kept for the next client */
	struct load_average load;
	uint64_t vain_key; /* the source that last waited in vain for a seat, and when */
	int64_t vain_ms;
	struct gate_visit visit;
};

/* Once, when the worker starts; head, lane, slot and listener are set already. SOURCES (NULL: none) and SEAT: see
 * above. */
void gate_open(struct gate *gate, const struct config_service *service, struct sources *sources, size_t seat);

/*
 * Does the client of CONN, which has just begun, get in? REFUSED_NOT: yes; the caller calls gate_leave() in the end.
 * Otherwise it calls refuse_client(). conn->peer becomes the client that counts: an IPv4 address that was mapped into
 * IPv6 is folded, and a trusted PROXY header is applied. LAST_IDLE: this was the last idle worker of its lane. May
 * block for proxy_protocol.timeout, and for a moment until a seat is free.
 */
enum refusal gate_admit(struct gate *gate, struct preforkd_conn *conn, bool last_idle);

/* Are the connections of SERVICE counted, so that each worker needs a seat? */
bool gate_has_seats(const struct config_service *service);

/* The key of the client's source, even if the gate did not need it. gate->sources must not be NULL. */
uint64_t gate_key(struct gate *gate, struct preforkd_conn *conn);

/* The client has left: frees its seat. */
void gate_leave(struct gate *gate);

#endif
