/* SPDX-License-Identifier: MIT */
/*
 * Client. One client of a load run: opens a connection, makes an exchange on it, and records its outcome. Knows neither
 * the other clients nor the time.
 */
#ifndef PREFORKD_CLIENT_LOAD_CONN_H
#define PREFORKD_CLIENT_LOAD_CONN_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct load_plan;

/* How an exchange ended; load_outcome_name() has the names. */
enum load_outcome {
	LOAD_OK,
	LOAD_REFUSED,	  /* no listener at the address */
	LOAD_FULL,	  /* the queue of a unix socket has no room */
	LOAD_UNREACHABLE, /* no route, not permitted, and so on */
	LOAD_TIMEOUT,
	LOAD_RESET,  /* before the first byte of the reply */
	LOAD_CUT,    /* reset within the reply, or ended while it was held open */
	LOAD_SHORT,  /* the server closed in order, but too early */
	LOAD_WRONG,  /* the reply has other bytes than expected */
	LOAD_UNSENT, /* due, but no client was free to start it */
	LOAD_OUTCOMES,
};

const char *load_outcome_name(enum load_outcome outcome);

enum load_state { LOAD_CLOSED, LOAD_CONNECTING, LOAD_EXCHANGING, LOAD_OPEN };

enum load_step {
	LOAD_STEP_FAILED = -1, /* an error of this host: the run cannot go on */
	LOAD_STEP_WAIT = 0,    /* wait for the events of load_conn_wants() */
	LOAD_STEP_DONE = 1,    /* the exchange has ended; see `outcome` */
};

struct load_conn {
	int fd;
	enum load_state state;
	enum load_outcome outcome;
	int error; /* the errno behind the outcome, or 0 */
	size_t sent, received;
	const unsigned char *request;
	/* Owned by the loop. */
	uint32_t watched; /* the events that epoll watches for; 0: not added */
	uint64_t started_ns;
	uint64_t due_ns; /* when it should have started; latency counts from here */
	struct load_conn *prev, *next;
};

void load_conn_init(struct load_conn *conn);

/* Begins exchange SERIAL on a new connection, or on the one that is open since the exchange before. */
enum load_step load_conn_start(struct load_conn *conn, const struct load_plan *plan, uint64_t serial, struct err *err);

/* Goes on after epoll has reported EVENTS. */
enum load_step load_conn_event(struct load_conn *conn, const struct load_plan *plan, uint32_t events);

/* The epoll events that CONN waits for. */
uint32_t load_conn_wants(const struct load_conn *conn, const struct load_plan *plan);

void load_conn_close(struct load_conn *conn);

#endif
