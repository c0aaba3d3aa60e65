/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail: both clocks exist since Linux 2.6.32. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_coarse_ms(void)
{
	return read_ms(CLOCK_MONOTONIC_COARSE);
}

const struct timespec *clock_until(int64_t at_ms, struct timespec *out)
{
	int64_t rest = at_ms - clock_ms();

	if (rest < 0)
		rest = 0;
	*out = (struct timespec){.tv_sec = rest / 1000, .tv_nsec = rest % 1000 * 1000000};
	return out;
}
