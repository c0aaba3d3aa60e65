/* SPDX-License-Identifier: MIT */
/*
 * Client. When exchanges are due. In a closed loop an exchange is due as soon as a client is free; in an open loop
 * (a rate) each has its time, whatever the server does. Reads no clock: times are nanoseconds since the start of the
 * run.
 */
#ifndef PREFORKD_CLIENT_LOAD_PACE_H
#define PREFORKD_CLIENT_LOAD_PACE_H

#include <stdint.h>

struct load_pace {
	double rate;	      /* exchanges a second; 0: closed loop */
	uint64_t total;	      /* number of exchanges; UINT64_MAX: no limit */
	uint64_t duration_ns; /* 0: no limit */
	uint64_t first_ns;    /* the first exchange of an open loop; each thread has another */
};

/* When exchange K (from 0) should start. For open loops only. */
uint64_t load_pace_time(const struct load_pace *pace, uint64_t k);

/* How many exchanges, in all, should have been started by NOW_NS. Constant after the end of the run. */
uint64_t load_pace_due(const struct load_pace *pace, uint64_t now_ns);

#endif
