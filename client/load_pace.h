/* SPDX-License-Identifier: MIT */
/*
 * When exchanges are due. In a closed loop they are due as soon as a client is free; in an open
 * loop (a rate) each has its time, whatever the server does. Asks no clock: times are nanoseconds since
 * the start of the run.
 */
#ifndef PREFORKD_CLIENT_LOAD_PACE_H
#define PREFORKD_CLIENT_LOAD_PACE_H

#include <stdint.h>

struct load_pace {
	double rate;	      /* exchanges a second; 0: closed loop */
	uint64_t total;	      /* of exchanges; UINT64_MAX: no limit but time */
	uint64_t duration_ns; /* 0: no limit but the number */
	uint64_t first_ns;    /* an open loop's first exchange: threads take turns */
};

/* When exchange K (from 0) should start. Open loop only. */
uint64_t load_pace_time(const struct load_pace *pace, uint64_t k);

/* How many exchanges should have been started by NOW_NS, in all. Never grows again once the run is over. */
uint64_t load_pace_due(const struct load_pace *pace, uint64_t now_ns);

#endif
