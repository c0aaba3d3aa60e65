/* SPDX-License-Identifier: MIT */
#include "load_stats.h"

#include <string.h>

void load_stats_init(struct load_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	histogram_init(&stats->latency);
}

static uint64_t get_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void load_stats_merge(struct load_stats *into, const struct load_stats *from)
{
	int i;

	for (i = 0; i < LOAD_OUTCOMES; i++) {
		into->outcomes[i] += from->outcomes[i];
		if (into->first_error[i] == 0)
			into->first_error[i] = from->first_error[i];
	}
	into->connections += from->connections;
	into->bytes_out += from->bytes_out;
	into->bytes_in += from->bytes_in;
	into->elapsed_ns = get_later(into->elapsed_ns, from->elapsed_ns);
	into->last_answer_ns = get_later(into->last_answer_ns, from->last_answer_ns);
	into->cpu_user_ns += from->cpu_user_ns;
	into->cpu_system_ns += from->cpu_system_ns;
	histogram_merge(&into->latency, &from->latency);
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
