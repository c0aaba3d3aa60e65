/* SPDX-License-Identifier: MIT */
/* What a service has done and been told so far, across its generations. The living workers count in their slots of the
 * board. */
#ifndef PREFORKD_POOL_TOTALS_H
#define PREFORKD_POOL_TOTALS_H

#include <stdint.h>

#include "board/board.h"
#include "board/refusal.h"

struct preforkd_module;

#define TOTALS_SECONDS 8 /* what the rate is taken over */

struct counts {
	uint64_t accepted, failed, bytes_in, bytes_out, crashes;
	uint64_t probes;	    /* of the accepted, those that asked nothing */
	uint64_t refused[REFUSALS]; /* not among the accepted */
};

#define OWN_NAME_MAX 32

/* What a pool's workers count on the board for their module; "" where there is nothing. */
struct own_names {
	char name[BOARD_COUNTERS][OWN_NAME_MAX];
};

/* Kept by name: another generation may have other counters, or in another order. */
struct own_count {
	char name[OWN_NAME_MAX]; /* "": free */
	uint64_t n;
};

#define TOTALS_OWN (2 * BOARD_COUNTERS) /* those of two generations */

struct totals {
	struct counts gone;		      /* of workers that have gone */
	struct own_count own[TOTALS_OWN];     /* of them, too */
	uint64_t samples[TOTALS_SECONDS + 1]; /* accepted, at each second */
	unsigned n_samples;		      /* ever */
	int64_t last_full_advice_ms;	      /* the last advice of pool_full.c; 0: none so far */
	unsigned refs;
};

/* Those that were refused for whatever reason. */
uint64_t totals_refused(const struct counts *counts);

struct totals *totals_new(void); /* NULL: no memory */
struct totals *totals_ref(struct totals *totals);
void totals_unref(struct totals **totals);

struct own_names totals_own_names(const struct preforkd_module *module);

/* Adds N to what workers that have gone counted as NAME. Where there is no room, one is forgotten that is not among
 * IN_USE. */
void totals_own_add(struct totals *totals, const char *name, uint64_t n, const struct own_names *in_use);
uint64_t totals_own(const struct totals *totals, const char *name);

/* Once a second: how many connections there were by now. */
void totals_sample(struct totals *totals, uint64_t accepted);

/* Connections a second over the last seconds. */
double totals_rate(const struct totals *totals);

#endif
