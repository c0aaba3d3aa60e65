/* SPDX-License-Identifier: MIT */
/*
 * How the table of board/sources.h is laid out; for its own files and its tests only. Everything here but the sizes is
 * written by workers of one service, so each value that is read is a claim: indexes come from a process's own struct
 * sources, times that cannot be are over, and every loop has an end of its own.
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

#define SOURCES_VERSION 1U
#define SOURCES_WAYS	8U   /* records that one key may be in */
#define SOURCES_TRIES	1000 /* of a compare-and-swap: somebody else succeeds each time, unless he is mad */

#define NS_A_US 1000LL
#define NS_A_MS 1000000LL
#define DAY_MS	86400000LL

/* The longest that a thing may be remembered, as the configuration allows it. */
#define RATE_MOST_MS	DAY_MS
#define WINDOW_MOST_MS	DAY_MS
#define PENALTY_MOST_MS (30 * DAY_MS)
/* Two processes that ask for the time and then act do not act in the order of their times. */
#define SOURCES_SLACK_MS 10000LL

/*
 * A seat: bits 0 to 47 of the key (0: nobody sits), a number that grows with each sitting down, so that two looks at
 * it tell whether the same sits there, and whether it is but an attempt.
 */
#define SEAT_KEY       0x0000ffffffffffffULL
#define SEAT_COUNT     0x7fff000000000000ULL
#define SEAT_COUNT_ONE 0x0001000000000000ULL
#define SEAT_TENTATIVE 0x8000000000000000ULL

struct source_record {
	alignas(64) _Atomic uint64_t key; /* may stay when all times are over */
	_Atomic int64_t empty_ns;	  /* when the bucket is empty again */
	_Atomic int64_t penalty;	  /* until when (ms), times two, plus which fault */
	_Atomic int64_t windows_end_ms;	  /* the windows are over then */
	/* [fault]: two windows that overlap by half, each the time of its first fault (40 bits of ms), and how many
	 * (24) */
	_Atomic uint64_t window[2][2];
};

/* Complete when seq and check fit. */
struct source_refusal {
	alignas(64) _Atomic uint64_t seq; /* 1 + how many were noted before it; 0: being written */
	_Atomic uint64_t at_ms, key, reason, peer[PACKED_ADDRESS_WORDS];
	_Atomic uint64_t check;
};

struct sources_map {
	uint32_t version;
	uint64_t secret[2];
	alignas(64) _Atomic uint32_t n_seats; /* the high-water mark, for workers, who clamp it */
	alignas(64) _Atomic int64_t empty_ns; /* of the service's own rate */
	alignas(64) _Atomic uint64_t untracked;
	_Atomic int64_t penalties_end_ms; /* nobody is penalized then: there is nothing to look for */
	_Atomic uint64_t n_refusals;	  /* ever */
	struct source_refusal refusal[SOURCES_LAST_REFUSALS];
	alignas(64) _Atomic uint64_t seat[SOURCES_SEATS];
	struct source_record record[]; /* whole sets */
};

_Static_assert(sizeof(struct source_record) == 64, "a record is a cache line");
_Static_assert(sizeof(struct source_refusal) == 64, "a refusal is a cache line");
_Static_assert((SOURCES_LAST_REFUSALS & (SOURCES_LAST_REFUSALS - 1)) == 0, "indexed with a mask");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics on shared memory must be lock-free");

static inline size_t sources_n_sets(size_t n_records)
{
	return n_records / SOURCES_WAYS + (n_records % SOURCES_WAYS != 0);
}

/* Times that are multiplied further on: nobody's clock is beyond that. */
static inline int64_t sources_clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static inline int64_t sources_now_ms(int64_t now_ms)
{
	return sources_clamp(now_ms, 0, INT64_MAX / 4 / NS_A_MS);
}

/* Is END still to come, and can it be, if at most MOST were ever added to the time? */
static inline bool sources_is_ahead(int64_t end, int64_t now, int64_t most)
{
	return end > now && end - now <= most;
}

#endif
