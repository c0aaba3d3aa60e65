/* SPDX-License-Identifier: MIT */
#include "pool/totals.h"

#include <preforkd/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t totals_refused(const struct counts *counts)
{
	uint64_t sum = 0;

	for (size_t i = REFUSED_NOT + 1; i < REFUSALS; i++)
		sum += counts->refused[i];
	return sum;
}

struct totals *totals_new(void)
{
	struct totals *totals = calloc(1, sizeof(*totals));

	if (totals != NULL)
		totals->refs = 1;
	return totals;
}

struct totals *totals_ref(struct totals *totals)
{
	totals->refs++;
	return totals;
}

void totals_unref(struct totals **totals)
{
	struct totals *t = *totals;

	*totals = NULL;
	if (t == NULL || --t->refs > 0)
		return;
	free(t->deaths);
	free(t);
}

struct own_names totals_own_names(const struct preforkd_module *module)
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

void totals_own_add(struct totals *totals, const char *name, uint64_t n, const struct own_names *in_use)
{
	struct own_count *free_one = NULL, *old_one = NULL, *at;

	for (size_t i = 0; i < TOTALS_OWN; i++) {
		at = &totals->own[i];
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

uint64_t totals_own(const struct totals *totals, const char *name)
{
	for (size_t i = 0; i < TOTALS_OWN; i++)
		if (strcmp(totals->own[i].name, name) == 0)
			return totals->own[i].n;
	return 0;
}

void totals_sample(struct totals *totals, uint64_t accepted)
{
	totals->samples[totals->n_samples++ % (TOTALS_SECONDS + 1)] = accepted;
}

double totals_rate(const struct totals *totals)
{
	unsigned newest = totals->n_samples - 1;
	unsigned seconds = newest < TOTALS_SECONDS ? newest : TOTALS_SECONDS;
	uint64_t a, b;

	if (totals->n_samples < 2)
		return 0;
	a = totals->samples[(newest - seconds) % (TOTALS_SECONDS + 1)];
	b = totals->samples[newest % (TOTALS_SECONDS + 1)];
	return b > a ? (double)(b - a) / seconds : 0;
}
