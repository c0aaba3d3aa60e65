/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. What is remembered about the clients of a service, by source (the network that they come from):
 * connections, rates, faults and penalties, the last refusals. One sealed memfd for each service, shared by the master
 * and the workers of all generations. All of it is a hint: a worker that ran wild may have written anything, so nothing
 * here bounds a loop or indexes an array unchecked.
 *
 * - Seats: one word for each worker, with the key of the source that it serves. Connections are counted by looking at
 * all seats, so a killed worker leaks no count: the master clears its seat when it reaps it.
 * - Records: a fixed number, found by key. A record holds the state of a leaky bucket (the time at which it is empty
 *   again: there is no count that could leak), the counts of faults in the running windows, and the end of a penalty. A
 *   record whose times are all over is free. A source for which no record is free is not limited by rate; that is
 *   counted.
 * - The last refusals, in a ring.
 *
 * Times are of the monotonic clock (base/clock.h), so they stay valid across an upgrade.
 */
#ifndef PREFORKD_BOARD_SOURCES_H
#define PREFORKD_BOARD_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"
#include "board/packed_address.h"
#include "board/refusal.h"
#include "board/sources_sizes.h"

struct err;
struct sockaddr_any;
struct unix_peer;

/* One process's view. */
struct sources {
	int fd; /* the master's; -1 in a worker */
	struct sources_map *map;
	size_t size;
	size_t n_records;   /* these two are not in the map, where a worker could damage them */
	uint64_t secret[2]; /* of the hash that makes keys */
	unsigned refs;	    /* the master's: the pools of several generations share one table */
	bool *seat_used;    /* the master's; NULL in a worker */
	size_t n_seats;	    /* the master's: 1 + the highest seat ever used */
};

/* Master: makes a table with N_RECORDS records and one reference. Its mapping is not inherited through fork(). NULL and
 * *err: no resources. */
struct sources *sources_new(size_t n_records, struct err *err);

/* Master: maps the table that another image of this program made as WAS (fd, n_records, secret). The caller has
 * compared sources_version(). NULL and *err: it is no such table; then its descriptor stays the caller's. */
struct sources *sources_adopt(const struct sources *was, struct err *err);

/* Master: counts references; the last sources_unref() unmaps the table and closes its descriptor. *sources becomes
 * NULL; it may be NULL before. */
struct sources *sources_ref(struct sources *sources);
void sources_unref(struct sources **sources);

/* The version of the layout. */
uint32_t sources_version(void);

/* Worker: maps the table that the master made as MASTERS, of which the mapping is not inherited. *SOURCES does not own
 * the descriptor. Only the size of the memory is looked at, because a worker that ran wild can have written anything
 * into it. -1 and *err: it is no such table. */
int sources_map(struct sources *sources, const struct sources *masters, struct err *err);

/* ---- seats ---- */

/* Master: takes a free seat for a new worker (-1: none is free); takes the given one for a worker that lives on (-1: it
 * is taken already); frees a seat when its worker has been reaped. */
int sources_seat_take(struct sources *sources);
int sources_seat_keep(struct sources *sources, size_t seat);
void sources_seat_free(struct sources *sources, size_t seat);

/* Master: writes anew how many seats there are, and clears those that no worker has: a worker that ran wild may have
 * overwritten them. */
void sources_mend(struct sources *sources);

/* Master: clears a seat whose worker has no client, if it still is WORD, which sources_seat_word() gave before the
 * worker was seen without a client. */
uint64_t sources_seat_word(const struct sources *sources, size_t seat);
void sources_seat_empty(struct sources *sources, size_t seat, uint64_t word);

/* The key of the client's source, never 0: a hash, with a secret of this table, of its address cut to the first PREFIX4
 * or PREFIX6 bits (IPv4 in IPv6 is folded), or of its uid. CRED: the credentials of a client on a unix socket; NULL:
 * none. */
uint64_t sources_key(const struct sources *sources, const struct sockaddr_any *peer, const struct unix_peer *cred,
		     int prefix4, int prefix6);

/* The key for the rate of unproven senders of the source KEY: their addresses may be forged, so they must not use up
 * the rate of the source itself. */
static inline uint64_t sources_key_unproven(uint64_t key)
{
	return key ^ 1ULL << 63; /* keeps the part that counts for seats, which is never 0 */
}

struct sources_taken {
	size_t same; /* seats taken by this source, without the worker's own */
	size_t all;  /* seats taken by all sources, without the worker's own */
};

/*
 * Worker: takes SEAT for a client of the source KEY, if fewer than MOST_SAME other seats of the same source and fewer
 * than MOST_ALL other seats in all are taken (0: any number). Exact even when many workers try at the same time: never
 * more clients than allowed get in, and as long as there is room one of them does. Only if another worker was killed or
 * stopped in the middle of this, a client may be refused after one second although there was room. May block for that
 * second. Returns whether the seat is taken; *TAKEN_OUT is what was seen: without a seat, a limit is reached in it.
 * Free the seat with sources_stand(). 48 bits of KEY count.
 */
bool sources_sit(struct sources *sources, size_t seat, uint64_t key, size_t most_same, size_t most_all,
		 struct sources_taken *taken_out);
void sources_stand(struct sources *sources, size_t seat);
/* Any process: how many seats are taken now. */
struct sources_taken sources_taken(const struct sources *sources, uint64_t key);

/* ---- rates ---- */

/* May one more client of KEY (0: of the whole service) come at NOW_US under RATE? 0: yes, and it is counted. Otherwise
 * returns the microseconds until there is room, and counts nothing. *UNTRACKED_OUT: no record was free, so it is let
 * in. */
int64_t sources_rate_take(struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us,
			  bool *untracked_out);
/* The same, but counts nothing. */
int64_t sources_rate_wait(const struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us);
/* How often no record was free for a source, so that a client was let in or a fault was not counted. */
uint64_t sources_untracked(const struct sources *sources);

/* ---- penalties ---- */

enum source_fault { FAULT_CRASH, FAULT_REFUSAL };

struct sources_penalty_rule {
	int64_t most;	     /* this many faults ... */
	int64_t within_ms;   /* ... within this time ... */
	int64_t duration_ms; /* ... are penalized for this time */
};

/* Counts one more fault of KEY. True: it is penalized from now on. More faults do not prolong a penalty. */
bool sources_fault(struct sources *sources, uint64_t key, enum source_fault fault,
		   const struct sources_penalty_rule *rule, int64_t now_ms);

struct sources_penalty {
	int64_t until_ms; /* 0: none */
	enum source_fault fault;
};
struct sources_penalty sources_penalty(const struct sources *sources, uint64_t key, int64_t now_ms);
/* How many faults count at the moment. */
size_t sources_faults(const struct sources *sources, uint64_t key, enum source_fault fault, int64_t within_ms,
		      int64_t now_ms);
/* How many sources are penalized now. Slow, for it reads all records: for status only. */
size_t sources_penalized(const struct sources *sources, int64_t now_ms);

/* ---- the last refusals ---- */

struct sources_refusal {
	int64_t at_ms;
	uint64_t key;
	enum refusal reason;
	uint64_t peer[PACKED_ADDRESS_WORDS];
};
void sources_refusal_note(struct sources *sources, const struct sources_refusal *refusal);
/* Copies the last refusals of KEY (0: of all sources) into OUT, newest first, at most MAX. Returns how many. Leaves out
 * those that are being written at the moment. */
size_t sources_refusals(const struct sources *sources, uint64_t key, struct sources_refusal *out, size_t max);

#endif
