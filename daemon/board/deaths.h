/* SPDX-License-Identifier: MIT */
/* Master. The last deaths of one service, across its generations. */
#ifndef PREFORKD_BOARD_DEATHS_H
#define PREFORKD_BOARD_DEATHS_H

#include <stdint.h>

#include "board/death.h"

#define DEATHS_KEPT 32

struct deaths {
	uint64_t lost;	/* deaths of programs that were not seen, because the next one came too soon */
	uint64_t added; /* all that were added so far; the last is at index (added - 1) % DEATHS_KEPT */
	struct death list[DEATHS_KEPT];
};

/* Adds DEATH to *deaths, which is allocated if it is NULL, and belongs to the caller: free(3). Without memory the death
 * is not kept. */
void deaths_add(struct deaths **deaths, const struct death *death);

/* Counts N deaths that were not seen. */
void deaths_lose(struct deaths **deaths, uint64_t n);

/* The death number I, the newest first. NULL: there is none; DEATHS may be NULL. */
const struct death *deaths_get(const struct deaths *deaths, unsigned i);

#endif
