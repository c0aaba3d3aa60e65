/* SPDX-License-Identifier: MIT */
#include "master/tally.h"

#include <stdlib.h>

uint64_t counts_refused(const struct counts *counts)
{
	uint64_t sum = 0;

	for (size_t i = REFUSED_NOT + 1; i < REFUSALS; i++)
		sum += counts->refused[i];
	return sum;
}

struct tally *tally_new(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (tally != NULL)
		tally->refs = 1;
	return tally;
}

struct tally *tally_ref(struct tally *tally)
{
	tally->refs++;
	return tally;
}

void tally_unref(struct tally **tally)
{
	struct tally *t = *tally;

	*tally = NULL;
	if (t != NULL && --t->refs == 0)
		free(t);
}

void tally_sample(struct tally *tally, uint64_t accepted)
{
	tally->samples[tally->n_samples++ % (TALLY_SECONDS + 1)] = accepted;
}

double tally_rate(const struct tally *tally)
{
	unsigned newest = tally->n_samples - 1;
	unsigned seconds = newest < TALLY_SECONDS ? newest : TALLY_SECONDS;
	uint64_t a, b;

	if (tally->n_samples < 2)
		return 0;
	a = tally->samples[(newest - seconds) % (TALLY_SECONDS + 1)];
	b = tally->samples[newest % (TALLY_SECONDS + 1)];
	return b > a ? (double)(b - a) / seconds : 0;
}
