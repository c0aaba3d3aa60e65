/* SPDX-License-Identifier: MIT */
/* What a load run has found out. */
#ifndef PREFORKD_CLIENT_LOAD_STATS_H
#define PREFORKD_CLIENT_LOAD_STATS_H

#include <stdint.h>

#include "histogram.h"
#include "load_conn.h"

struct load_stats {
	uint64_t outcomes[LOAD_OUTCOMES];
	int first_error[LOAD_OUTCOMES]; /* errno of the first of its kind; 0: none */
	uint64_t connections;		/* opened, or tried */
	uint64_t bytes_out, bytes_in;
	uint64_t elapsed_ns;		     /* from the first connect to the last outcome */
	uint64_t last_answer_ns;	     /* from the first connect to the last that was ok */
	uint64_t cpu_user_ns, cpu_system_ns; /* of this process, during the run */
	/* ns to the end of an exchange, of those ok; from its start, or in an open loop from when it
	 * should have started */
	struct histogram latency;
};

void load_stats_init(struct load_stats *stats);

/* Adds what FROM has found out. */
void load_stats_merge(struct load_stats *into, const struct load_stats *from);

/* Everything that ended otherwise than ok. */
uint64_t load_stats_lost(const struct load_stats *stats);

#endif
