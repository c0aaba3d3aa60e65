/* SPDX-License-Identifier: MIT */
#include "load_stats.h"

#include <string.h>

void load_stats_init(struct load_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	histogram_init(&stats->latency);
}

uint64_t load_stats_lost(const struct load_stats *stats)
{
	uint64_t lost = 0;
	int i;

	for (i = 0; i < LOAD_OUTCOMES; i++) {
		if (i != LOAD_OK)
			lost += stats->outcomes[i];
	}
	return lost;
}
