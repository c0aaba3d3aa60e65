/* SPDX-License-Identifier: MIT */
/* Any process. The one-minute load average of the system, read once a second at most. */
#ifndef PREFORKD_BASE_LOAD_AVERAGE_H
#define PREFORKD_BASE_LOAD_AVERAGE_H

#include <stdbool.h>
#include <stdint.h>

/* The last reading. All zero: there was none yet. */
struct load_average {
	bool known;
	int64_t read_ms, hundredths;
	int64_t (*read)(void); /* NULL: load_average_read() */
};

/* From the kernel, in hundredths, rounded down. -1: the kernel does not tell. */
int64_t load_average_read(void);

/* The same, one second old at most. NOW_MS: base/clock.h. */
int64_t load_average_look(struct load_average *load, int64_t now_ms);

#endif
