/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. The layout of the table of board/sources.h: for its own files and its tests only. All workers of a
 * service write here, so no value that is read can be trusted: indexes come from the process's own struct sources, an
 * impossible time counts as over, and each loop has a bound of its own.
 */
#ifndef PREFORKD_BOARD_SOURCES_MAP_H
#define PREFORKD_BOARD_SOURCES_MAP_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/packed_address.h"
#include "board/sources_sizes.h"

#define SOURCES_VERSION 2U
#define SOURCES_WAYS	8U   /* records in a set: the ones that a key may have */
#define SOURCES_TRIES	1000 /* of a compare-and-swap, which fails only if another process has succeeded */

#define NS_A_US 1000LL
#define NS_A_MS 1000000LL
#define DAY_MS	86400000LL

/* The longest times that the configuration allows. */
#define RATE_MOST_MS	DAY_MS
#define WINDOW_MOST_MS	DAY_MS
#define PENALTY_MOST_MS (30 * DAY_MS)
/* A process may be delayed between reading the clock and writing here: so times may be ahead by this much. */
#define SOURCES_SLACK_MS 10000LL

/*
 * A seat: bits 0 to 47 of the key (0: the seat is free); a number that grows by 1 each time the seat is taken, so that
 * two looks can tell whether the same client has it; and a bit that says that it is only an attempt.
 */
#define SEAT_KEY       0x0000ffffffffffffULL
#define SEAT_COUNT     0x7fff000000000000ULL
#define SEAT_COUNT_ONE 0x0001000000000000ULL
#define SEAT_TENTATIVE 0x8000000000000000ULL

struct source_record {
	alignas(64) _Atomic uint64_t key; /* stays when all times are over and the record is free */
	_Atomic int64_t empty_ns;	  /* when the bucket is empty again */
	_Atomic int64_t penalty;	  /* its end in ms, times 2, plus 1 for FAULT_REFUSAL */
	_Atomic int64_t windows_end_ms;	  /* when both windows are over */
	/* [fault][0 or 1]: two windows that overlap by half; each has the time of its first fault (40 bits, ms) and the
	 * number of faults (24 bits) */
	_Atomic uint64_t window[2][2];
};

/* Complete if `check` matches the rest. */
struct source_refusal {
	alignas(64) _Atomic uint64_t seq; /* its number, from 1; 0: it is being written */
	_Atomic uint64_t at_ms, key, reason, peer[PACKED_ADDRESS_WORDS];
	_Atomic uint64_t check;
};

struct sources_map {
	alignas(64) _Atomic uint32_t n_seats; /* 1 + the highest seat ever used; workers clamp it */
	alignas(64) _Atomic int64_t empty_ns; /* of the rate of the whole service */
	alignas(64) _Atomic uint64_t untracked;
	_Atomic int64_t penalties_end_ms; /* after this time no source is penalized */
	_Atomic uint64_t n_refusals;	  /* noted so far */
	struct source_refusal refusal[SOURCES_LAST_REFUSALS];
	alignas(64) _Atomic uint64_t seat[SOURCES_SEATS];
	struct source_record record[]; /* sources_n_sets() sets of SOURCES_WAYS */
};

_Static_assert(sizeof(struct source_record) == 64, "a record is a cache line");
_Static_assert(sizeof(struct source_refusal) == 64, "a refusal is a cache line");
_Static_assert((SOURCES_LAST_REFUSALS & (SOURCES_LAST_REFUSALS - 1)) == 0, "indexed with a mask");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics on shared memory must be lock-free");

static inline size_t sources_n_sets(size_t n_records)
{
	return n_records / SOURCES_WAYS + (n_records % SOURCES_WAYS != 0);
}

static inline int64_t sources_clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* The time, limited so that it can be multiplied. */
static inline int64_t sources_now_ms(int64_t now_ms)
{
	return sources_clamp(now_ms, 0, INT64_MAX / 4 / NS_A_MS);
}

/* Is END in the future? Not if it is more than MOST ahead, which nobody can have written. */
static inline bool sources_is_ahead(int64_t end, int64_t now, int64_t most)
{
	return end > now && end - now <= most;
}

#endif
