/* SPDX-License-Identifier: MIT */
#include "board/deaths.h"

#include <stdlib.h>

static struct deaths *get_or_make(struct deaths **deaths)
{
	if (*deaths == NULL)
		*deaths = calloc(1, sizeof(**deaths));
	return *deaths;
}

void deaths_add(struct deaths **deaths, const struct death *death)
{
	struct deaths *to = get_or_make(deaths);

	if (to != NULL)
		to->list[to->added++ % DEATHS_KEPT] = *death;
}

void deaths_lose(struct deaths **deaths, uint64_t n)
{
	struct deaths *to = n > 0 ? get_or_make(deaths) : NULL;

	if (to != NULL)
		to->lost += n;
}

const struct death *deaths_get(const struct deaths *deaths, unsigned i)
{
	if (deaths == NULL || i >= DEATHS_KEPT || i >= deaths->added)
		return NULL;
	return &deaths->list[(deaths->added - 1 - i) % DEATHS_KEPT];
}
