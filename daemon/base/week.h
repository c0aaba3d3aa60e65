/* SPDX-License-Identifier: MIT */
/*
 * Any process. Times of the week, as people write them ("Mon-Fri 08:00-18:00"), and whether it is one of them. Only
 * what a clock on the wall shows counts: an hour that comes twice, when daylight saving time ends, counts both times,
 * and an hour that is left out, when it begins, does not come at all.
 */
#ifndef PREFORKD_BASE_WEEK_H
#define PREFORKD_BASE_WEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A time of day on some days of the week. If `to` is not after `from`, it ends on the day after the one on which it
 * begins. */
struct week_range {
	uint32_t days;	  /* on which it begins; bit 0: Sunday */
	int32_t from, to; /* minutes since midnight; from: 0 to 1439, to: 0 to 1440, which is excluded */
};

/* "Mon-Fri 08:00-18:00", "Sat,Sun 10:00-12:00", "Fri 22:00-06:00"; "08:00-18:00": every day. -1 and *err: it is none of
 * these. */
int week_parse(const char *text, struct week_range *out, struct err *err);

#define WEEK_NEVER INT64_MAX

/*
 * Is NOW (seconds since 1970) within one of the N RANGES, in the time zone of the process? The caller calls tzset(3)
 * before, so that a change of the zone is seen. *UNTIL_OUT: the second at which the answer changes; WEEK_NEVER: it does
 * not within two weeks. Takes up to a millisecond, so it is not for each connection.
 */
bool week_look(const struct week_range *ranges, size_t n, int64_t now, int64_t *until_out);

#endif
