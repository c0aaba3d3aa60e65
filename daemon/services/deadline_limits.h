/* SPDX-License-Identifier: MIT */
/* Worker. The limits of one connection, and what is said about them. */
#ifndef PREFORKD_SERVICES_DEADLINE_LIMITS_H
#define PREFORKD_SERVICES_DEADLINE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* The limit that cut the connection. */
enum deadline_kind {
	DEADLINE_NONE, /* nothing did */
	DEADLINE_FIRST_BYTE,
	DEADLINE_FIRST_BYTE_BUSY,
	DEADLINE_IDLE,
	DEADLINE_SEND,
	DEADLINE_HALF_CLOSED,
	DEADLINE_TOTAL,
	DEADLINE_PROXY,	  /* proxy_protocol.timeout */
	DEADLINE_EVICTED, /* workers.on_full */
	DEADLINE_OWN,	  /* the service's: deadline_own() */
};

/* The event that the service waits for. CLOSES: as READS, but the client has been told that it gets no more bytes. */
enum deadline_wait { DEADLINE_NO_WAIT, DEADLINE_READS, DEADLINE_WRITES, DEADLINE_CLOSES };

/* Times in milliseconds; limits of 0 do not apply. */
struct deadline_limits {
	int64_t start; /* when the connection was accepted (base/clock.h) */
	/* Time for the client's first byte. 0: the service does not need one, and first_byte_busy does not apply. */
	int64_t first_byte;
	/* The same, while the function of deadline_saturated() says that clients wait. It runs from the client's
	 * connect; with `unseen` from the start of the program, or from the program's last output. */
	int64_t first_byte_busy;
	int64_t idle;	     /* no byte in either direction; counted from the first byte on */
	int64_t send;	     /* there are bytes for the client, and it takes none */
	int64_t half_closed; /* the service waits for DEADLINE_CLOSES, the client has taken all, and sends nothing */
	uint64_t header;     /* bytes of a PROXY header: they do not count as the client's first bytes */
	/* A program has the connection: only the kernel knows about its bytes, and on a unix socket nobody does. */
	bool unseen;
	/* Where the master reads it; NULL: nowhere. */
	_Atomic uint32_t *greeted;     /* becomes 1 with the client's first byte */
	_Atomic int64_t *silent_since; /* when the client connected; corrected as soon as the kernel knows better */
};

#endif
