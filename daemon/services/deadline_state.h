/* SPDX-License-Identifier: MIT */
/*
 * Worker. The state of the deadlines: for deadline.c, which sets it, and deadline_look.c, whose functions run in signal
 * handlers and may interrupt deadline.c between any two instructions. So each member that both write is a lock-free
 * atomic, and a member without _Atomic is written only while the handlers do not read it.
 */
#ifndef PREFORKD_SERVICES_DEADLINE_STATE_H
#define PREFORKD_SERVICES_DEADLINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "services/deadline_limits.h"

#define DEADLINE_LOOK_LEAST_MS 10 /* between two looks */

/* The state that the handler saw when it looked last. It is the handler's own while `limited` is true. */
struct deadline_seen {
	uint64_t in, out; /* bytes from and to the client */
	int64_t moved_ms; /* when bytes last moved in either direction */
	int64_t stuck_ms; /* since when the client has taken none of the bytes that are there for it; 0: it takes them
			   */
	/* A write that began at overdue_ms was found overdue by the look at overdue_at. */
	int64_t overdue_ms, overdue_at;
	uint64_t beyond; /* bytes on beyond_fd, in both directions */
};

struct deadline_client {
	_Atomic int fd;				       /* -1: there is no client, and handlers read no other member */
	_Atomic int64_t total_due, proxy_due, own_due; /* 0: never */
	_Atomic int passed;			       /* enum deadline_kind */
	_Atomic bool reset;			       /* what cut it has reset it */
	_Atomic uint64_t in, out;		       /* bytes from and to it at that moment */
	_Atomic int beyond_fd;			       /* deadline_beyond(); -1: none */
	/* The last wait that the service has announced: enum deadline_wait, and when. */
	_Atomic int waits;
	_Atomic int64_t noted_ms;
	_Atomic bool wrote; /* the service has begun to write at least once */
	/* The limits are in force. The members below are written while it is false, and read by the handler while it is
	 * true. */
	_Atomic bool limited;
	struct deadline_limits limits;
	int64_t look_ms, busy_ms; /* between two looks, for idle and send, and for first_byte_busy; 0: no look needed */
	_Atomic uint32_t own_greeted;	  /* where limits.greeted leads if the caller has no place for it */
	_Atomic int64_t own_silent_since; /* the same for limits.silent_since */
	struct deadline_seen seen;
};

struct deadline_state {
	struct deadline_client client;
	_Atomic int64_t armed; /* when the timer fires; 0: it does not */
	_Atomic bool cut;      /* the worker must leave now */
	_Atomic bool orphaned; /* and its master is gone */
	bool resets;	       /* a cut resets the connection */
	bool (*saturated)(void);
};

/* Owned by deadline_look.c. */
extern struct deadline_state deadline_state;

/* The earlier one of two times, of which 0 means never. */
static inline int64_t deadline_state_earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static inline int64_t deadline_state_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#endif
