/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a service's clients, by where they come from: who is connected now, who came how often, who
 * is penalized, whom was refused last. One sealed memfd a service, shared by master and workers of all its
 * generations. All of it is a hint to the master: a worker that goes mad may have written anything, so nothing in
 * here bounds a loop or indexes an array unchecked.
 *
 * - Seats: one word a worker, the key of the source that it serves. Who is connected is counted by looking at
 *   them, so a killed worker leaks no count: the master clears its seat when it reaps it.
 * - Records: a fixed number, found by key. One holds the state of a leaky bucket (the time at which it is empty again:
 *   no count that could leak), counts of crashes and refusals in the running window, and the end of a penalty. A record
 * whose times are all over is free. When none is free for a source, it is not limited by rate, and that is counted.
 * - The last refusals, in a ring.
 *
 * Times are of the monotonic clock (base/clock.h): they hold across an upgrade.
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
	int fd; /* -1 in a worker */
	struct sources_map *map;
	size_t size;
	size_t n_records; /* not from the map: that may have been overwritten */
	unsigned refs;	  /* the master's: pools of several generations share one */
	bool *seat_used;  /* the master's; NULL in a worker */
	size_t n_seats;	  /* seats ever used: the high-water mark; the master's */
};

/* Master. A new one with N_RECORDS; not inherited through fork(). NULL and *err: no resources. */
struct sources *sources_new(size_t n_records, struct err *err);
/* Of another image of this program; NULL: laid out in another way. FD stays the caller's then. */
struct sources *sources_adopt(int fd, size_t n_records, struct err *err);
struct sources *sources_ref(struct sources *sources);
void sources_unref(struct sources **sources); /* NULL is allowed */
uint32_t sources_version(void);		      /* of the layout */

/* Worker: maps what is behind FD, which stays the caller's. */
int sources_map(struct sources *sources, int fd, struct err *err);

/* ---- seats ---- */

/* Master: a free seat for a new worker, -1 if there is none; the given one for a worker that lives on (-1: taken);
 * and back, when the worker has been reaped. */
int sources_seat_take(struct sources *sources);
int sources_seat_keep(struct sources *sources, size_t seat);
void sources_seat_free(struct sources *sources, size_t seat);

/* The key of the source that a client belongs to: its address folded to IPv4 and cut to PREFIX bits, or its uid; hashed
 * with a secret of this table, never 0. CRED: of a unix client, or NULL. */
uint64_t sources_key(const struct sources *sources, const struct sockaddr_any *peer, const struct unix_peer *cred,
		     int prefix4, int prefix6);

/* For the rate of those who say that they are of the source KEY, and prove nothing: what they take is not the source's.
 */
static inline uint64_t sources_key_unproven(uint64_t key)
{
	return key ^ 1ULL << 63; /* and neither 0 nor without a part that counts for seats */
}

struct sources_taken {
	size_t same; /* seats of this source, */
	size_t all;  /* and of all, without one's own */
};

/*
 * Worker: sits down if fewer than MOST_SAME others of the same source (0: any number) and fewer than MOST_ALL others
 * altogether (0: any number) sit. Exact also when many try at the same time: never one more than allowed, and
 * never none where one would be; but for who waits a second for another that was killed or stopped amidst of this.
 * Returns whether it sits; *taken_out: what it saw, and if it does not, a limit is reached in it. Leave with
 * sources_stand(). Of KEY 48 bits count.
 */
bool sources_sit(struct sources *sources, size_t seat, uint64_t key, size_t most_same, size_t most_all,
		 struct sources_taken *taken_out);
void sources_stand(struct sources *sources, size_t seat);
/* Anybody: how it stands. */
struct sources_taken sources_taken(const struct sources *sources, uint64_t key);

/* ---- rates ---- */

/* One more of KEY (0: of the service as a whole) under RATE at NOW_US? Takes from the bucket if so; a refused one takes
 * nothing. Returns 0, or how many microseconds until there is room. *untracked_out: no record was free; let in. */
int64_t sources_rate_take(struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us,
			  bool *untracked_out);
/* The same without taking. */
int64_t sources_rate_wait(const struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us);
/* How often there was no record for a source: it was let in, or its fault is forgotten. */
uint64_t sources_untracked(const struct sources *sources);

/* ---- penalties ---- */

enum source_fault { FAULT_CRASH, FAULT_REFUSAL };

struct sources_penalty_rule {
	int64_t most; /* so many faults ... */
	int64_t within_ms, duration_ms;
};

/* One more fault of KEY; true: it is penalized from now on. While it is penalized, more faults do not prolong it. */
bool sources_fault(struct sources *sources, uint64_t key, enum source_fault fault,
		   const struct sources_penalty_rule *rule, int64_t now_ms);

struct sources_penalty {
	int64_t until_ms; /* 0: none */
	enum source_fault fault;
};
struct sources_penalty sources_penalty(const struct sources *sources, uint64_t key, int64_t now_ms);
/* How many faults are in the running window. */
size_t sources_faults(const struct sources *sources, uint64_t key, enum source_fault fault, int64_t within_ms,
		      int64_t now_ms);
/* How many sources are penalized now. Looks at every record: for status, not for each client. */
size_t sources_penalized(const struct sources *sources, int64_t now_ms);

/* ---- the last refusals ---- */

struct sources_refusal {
	int64_t at_ms;
	uint64_t key;
	enum refusal reason;
	uint64_t peer[PACKED_ADDRESS_WORDS];
};
void sources_refusal_note(struct sources *sources, const struct sources_refusal *refusal);
/* The newest first, at most MAX, of KEY (0: of all); returns how many. Torn ones, written just now, are left out. */
size_t sources_refusals(const struct sources *sources, uint64_t key, struct sources_refusal *out, size_t max);

#endif
