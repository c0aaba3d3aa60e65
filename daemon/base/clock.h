/* SPDX-License-Identifier: MIT */
/* Any process. Monotonic time; never the wall clock, which may jump. */
#ifndef PREFORKD_BASE_CLOCK_H
#define PREFORKD_BASE_CLOCK_H

#include <stdint.h>

struct timespec;

int64_t clock_ms(void); /* milliseconds */
int64_t clock_us(void); /* microseconds */

/* Milliseconds of the same clock at the last tick of the kernel, 1 to 10 ms behind. Takes a few nanoseconds and no
 * system call, so it may be called for each read or connection. */
int64_t clock_coarse_ms(void);

/* The time from now until AT_MS of clock_ms(), 0 if it has passed, as ppoll(2) wants it. Returns OUT. */
const struct timespec *clock_until(int64_t at_ms, struct timespec *out);

#endif
