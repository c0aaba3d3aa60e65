/* SPDX-License-Identifier: MIT */
#include "pool/totals.h"

#include <preforkd/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct own_names own_names_of(const struct preforkd_module *module)
{
	const struct preforkd_counter *counters = module != NULL ? module->counters : NULL;
	struct own_names names = {.name = {""}};

	for (size_t i = 0; counters != NULL && i < BOARD_COUNTERS && counters[i].name != NULL; i++)
		(void)snprintf(names.name[i], OWN_NAME_MAX, "%s", counters[i].name);
	return names;
}

static bool is_in_use(const char *name, const struct own_names *in_use)
{
	for (size_t i = 0; i < BOARD_COUNTERS; i++)
		if (strcmp(in_use->name[i], name) == 0)
			return true;
	return false;
}

void tally_own_add(struct tally *tally, const char *name, uint64_t n, const struct own_names *in_use)
{
	struct own_count *free_one = NULL, *old_one = NULL, *at;

	for (size_t i = 0; i < TALLY_OWN; i++) {
		at = &tally->own[i];
		if (strcmp(at->name, name) == 0) {
			at->n += n;
			return;
		}
		if (at->name[0] == '\0')
			free_one = at;
		else if (!is_in_use(at->name, in_use))
			old_one = at;
	}
	at = free_one != NULL ? free_one : old_one;
	if (at == NULL)
		return;
	(void)snprintf(at->name, sizeof(at->name), "%s", name);
	at->n = n;
}

uint64_t tally_own(const struct tally *tally, const char *name)
{
	for (size_t i = 0; i < TALLY_OWN; i++)
		if (strcmp(tally->own[i].name, name) == 0)
			return tally->own[i].n;
	return 0;
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
