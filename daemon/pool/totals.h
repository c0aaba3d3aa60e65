/* SPDX-License-Identifier: MIT */
/* Master. The totals of a service so far, across its generations, of workers that have ended. Living workers count in
 * their slots of the board. */
#ifndef PREFORKD_POOL_TOTALS_H
#define PREFORKD_POOL_TOTALS_H

#include <stdint.h>

#include "board/board.h"
#include "board/refusal.h"

struct deaths;
struct preforkd_module;

#define TOTALS_SECONDS 8 /* the rate is an average over so many */

struct counts {
	uint64_t accepted, failed, bytes_in, bytes_out, crashes;
	uint64_t probes;	    /* of the accepted: probes, that is connections without a request */
	uint64_t violations;	    /* system calls that sandbox.level has refused */
	uint64_t refused[REFUSALS]; /* not among the accepted */
};

#define OWN_NAME_MAX 32

/* The names of the counters that a pool's workers have on the board for their module; "": the counter is not used. */
struct own_names {
	char name[BOARD_COUNTERS][OWN_NAME_MAX];
};

/* One such counter. It is kept by name, because another generation may have other counters, or another order. */
struct own_count {
	char name[OWN_NAME_MAX]; /* "": free */
	uint64_t n;
};

#define TOTALS_OWN (2 * BOARD_COUNTERS) /* room for the counters of two generations */

struct totals {
	struct counts gone;		      /* of workers that have ended */
	struct own_count own[TOTALS_OWN];     /* of workers that have ended, too */
	uint64_t samples[TOTALS_SECONDS + 1]; /* a ring of what totals_sample() was given */
	unsigned n_samples;		      /* so far */
	int64_t last_full_advice_ms;	      /* when pool_full.c last logged its advice; 0: never */
	struct deaths *deaths;		      /* the last ones; owned; NULL: there was none */
	unsigned refs;
};

/* Clients that were refused, for all reasons together. */
uint64_t totals_refused(const struct counts *counts);

struct totals *totals_new(void); /* NULL: no memory */
struct totals *totals_ref(struct totals *totals);
void totals_unref(struct totals **totals);

struct own_names totals_own_names(const struct preforkd_module *module);

/* Adds N to the counter NAME. Where there is no room for another name, a counter that is not among IN_USE is forgotten.
 */
void totals_own_add(struct totals *totals, const char *name, uint64_t n, const struct own_names *in_use);
uint64_t totals_own(const struct totals *totals, const char *name);

/* To be called once a second with the number of all connections so far. */
void totals_sample(struct totals *totals, uint64_t accepted);

/* Connections per second, averaged over the last TOTALS_SECONDS; 0 before the second sample. */
double totals_rate(const struct totals *totals);

#endif
