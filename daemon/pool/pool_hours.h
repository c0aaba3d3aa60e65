/* SPDX-License-Identifier: MIT */
/*
 * Master. The times of a service (access.times): whether clients may connect now, and until when that stays so. The
 * master looks, and not the workers: what a worker gave up may include the files of time zones.
 */
#ifndef PREFORKD_POOL_POOL_HOURS_H
#define PREFORKD_POOL_POOL_HOURS_H

#include <stdbool.h>
#include <stdint.h>

struct config_access;

/* The last look. All zero: none yet. Seconds since 1970. */
struct pool_hours {
	bool open;
	int64_t looked; /* when it was; 0: never */
	int64_t until;	/* when `open` changes; WEEK_NEVER: it does not (base/week.h) */
};

/* Brings *HOURS up to date for NOW. Looks at the time zone every few seconds, and compares numbers otherwise. The
 * service has times. */
void pool_hours_look(struct pool_hours *hours, const struct config_access *access, int64_t now);

#endif
