/* SPDX-License-Identifier: MIT */
#include "pool/generation.h"

#include <stdlib.h>

#include "config/config.h"

struct generation *generation_new(struct config *config, unsigned number)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (generation == NULL) {
		config_free(&config);
		return NULL;
	}
	*generation = (struct generation){.config = config, .number = number, .refs = 1};
	return generation;
}

struct generation *generation_ref(struct generation *generation)
{
	generation->refs++;
	return generation;
}

void generation_unref(struct generation **generation)
{
	struct generation *g = *generation;

	*generation = NULL;
	if (g == NULL || --g->refs > 0)
		return;
	config_free(&g->config);
	free(g);
}
