/* SPDX-License-Identifier: MIT */
/* What a service has done so far, across its generations. The living workers count in their slots of the board. */
#ifndef PREFORKD_MASTER_TALLY_H
#define PREFORKD_MASTER_TALLY_H

#include <stdint.h>

#include "board/refusal.h"

#define TALLY_SECONDS 8 /* what the rate is taken over */

struct counts {
	uint64_t accepted, failed, bytes_in, bytes_out, crashes;
	uint64_t probes;	    /* of the accepted, those that asked nothing */
	uint64_t refused[REFUSALS]; /* not among the accepted */
};

struct tally {
	struct counts gone; /* of workers that have gone */
	uint64_t samples[TALLY_SECONDS + 1]; /* accepted, at each second */
	unsigned n_samples; /* ever */
	unsigned refs;
};

/* Those that were refused for whatever reason. */
uint64_t counts_refused(const struct counts *counts);

struct tally *tally_new(void); /* NULL: no memory */
struct tally *tally_ref(struct tally *tally);
void tally_unref(struct tally **tally);

/* Once a second: how many connections there were by now. */
void tally_sample(struct tally *tally, uint64_t accepted);

/* Connections a second over the last seconds. */
double tally_rate(const struct tally *tally);

#endif
