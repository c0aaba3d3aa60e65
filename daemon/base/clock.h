/* SPDX-License-Identifier: MIT */
/* Monotonic time in milliseconds; never the wall clock, which may jump. */
#ifndef PREFORKD_BASE_CLOCK_H
#define PREFORKD_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);
int64_t clock_us(void); /* in microseconds */

/* The same clock at the kernel's tick (1 to 10 ms behind): no system call, a few nanoseconds.
 * For what is asked once a read or once a connection. */
int64_t clock_coarse_ms(void);

#endif
