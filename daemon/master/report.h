/* SPDX-License-Identifier: MIT */
/* Master. What it tells of itself: to systemd in one line, to the log on SIGUSR1. */
#ifndef PREFORKD_MASTER_REPORT_H
#define PREFORKD_MASTER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct inherited_set;
struct operations;

struct report {
	const struct operations *ops;
	unsigned n_begun, n_ended; /* changers that were reported */
	bool has_started;	   /* READY=1 has been sent */
	bool is_due;		   /* a tick: the numbers in STATUS= may be others */
	int64_t extend_ms;	   /* when the service manager is asked next for more patience */
	char status[768];	   /* the last STATUS= line */
};

/* After a sweep of the operations: RELOADING=1 if one began, READY=1 if the start or one is over, STATUS= if it is
 * another one than before. */
void report_changes(struct report *report);

/* EXTEND_TIMEOUT_USEC=, every few seconds while an operation runs that the service manager waits for: it takes as long
 * as its programs need. Call it at each tick. */
void report_patience(struct report *report);

/* The inherited descriptors that no service wanted. */
void report_leftovers(const struct inherited_set *inherited);

/* Every pool and lane, one line each. */
void report_dump(const struct report *report);

#endif
