/* SPDX-License-Identifier: MIT */
/*
 * The gate, as a worker meets it with each client between accept(2) and serving: what is known of the client is
 * looked up, gate/decide.h says whether it gets in, and what it takes (a seat, of its rates) is taken. What a service
 * has not configured is not looked up: without any of it the gate makes no system call and looks at no table.
 */
#ifndef PREFORKD_GATE_GATE_H
#define PREFORKD_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "board/sources.h"
#include "gate/decide.h"
#include "net/networks.h"

struct board_head;
struct board_lane;
struct board_slot;
struct config_service;
struct preforkd_conn;

struct gate {
	const struct config_service *service;
	struct board_head *head;
	struct board_lane *lane;
	struct board_slot *slot;
	struct sources *sources; /* NULL: none is needed */
	size_t seat;
	int listener;
	unsigned needs;	      /* what is configured: gate.c */
	struct unix_peer who; /* at the other end of a unix socket; its memory is kept */
	uint64_t vain_key;    /* a source that waited in vain for a seat, */
	int64_t vain_ms;      /* and when */

	/* Of the client that is at the gate, or inside: */
	bool asked, known; /* who it is: the kernel was asked, and knows */
	bool sits;
	bool exempt;
	uint64_t key;	   /* its source; 0: not needed so far */
	uint64_t rate_key; /* what its rate goes by; needed with rates only */
	struct gate_verdict verdict;
	struct sources_taken taken; /* seats of others, when there was none for it */
	bool empty;		    /* it has gone without a byte, so that there is nobody to refuse: a probe */
	struct err err;		    /* what is wrong with its PROXY header; "" */
};

/* What there is at the gate's side; once a worker. SOURCES (NULL: none) is the worker's view. */
void gate_open(struct gate *gate, const struct config_service *service, struct sources *sources, size_t seat);

/*
 * Does the client of CONN, which has just begun, get in? Its peer becomes the one that counts: folded, and as a proxy
 * has claimed it. ALONE: all other workers of the lane are busy. REFUSED_NOT: yes, and gate_leave() follows in the
 * end; else gate_refuse().
 */
enum refusal gate_admit(struct gate *gate, struct preforkd_conn *conn, bool alone);

/* Whether SERVICE has its clients sit, so that they can be counted. */
bool gate_has_seats(const struct config_service *service);

/* The key of the client's source, whether it was needed at the gate or not. There are sources. */
uint64_t gate_key(struct gate *gate, struct preforkd_conn *conn);

/* The client is gone: its seat is free. */
void gate_leave(struct gate *gate);

#endif
