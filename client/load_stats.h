/* SPDX-License-Identifier: MIT */
/* Client. The results of a load run. */
#ifndef PREFORKD_CLIENT_LOAD_STATS_H
#define PREFORKD_CLIENT_LOAD_STATS_H

#include <stdint.h>

#include "histogram.h"
#include "load_conn.h"

struct load_stats {
	uint64_t outcomes[LOAD_OUTCOMES];
	int first_error[LOAD_OUTCOMES]; /* errno of the first such outcome; 0: none */
	uint64_t connections;		/* opened, or tried */
	uint64_t bytes_out, bytes_in;
	uint64_t elapsed_ns;		     /* from the first connect to the last outcome */
	uint64_t last_answer_ns;	     /* from the first connect to the last outcome that was ok */
	uint64_t cpu_user_ns, cpu_system_ns; /* of this process, during the run */
	/* ns to the end of each exchange that was ok; from its start, or in an open loop from the time when it should
	 * have started */
	struct histogram latency;
};

void load_stats_init(struct load_stats *stats);

/* Adds the results of FROM to INTO. */
void load_stats_merge(struct load_stats *into, const struct load_stats *from);

/* Number of exchanges that were not ok. */
uint64_t load_stats_lost(const struct load_stats *stats);

#endif
