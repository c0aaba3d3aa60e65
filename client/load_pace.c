/* SPDX-License-Identifier: MIT */
#include "load_pace.h"

uint64_t load_pace_time(const struct load_pace *pace, uint64_t k)
{
	return pace->first_ns + (uint64_t)((double)k * 1e9 / pace->rate);
}

/* Exchanges of an open loop whose time is not after NOW_NS. */
static uint64_t count_passed(const struct load_pace *pace, uint64_t now_ns)
{
	uint64_t k;

	if (now_ns < pace->first_ns)
		return 0;
	k = (uint64_t)((double)(now_ns - pace->first_ns) / 1e9 * pace->rate);
	/* Rounding must not disagree with load_pace_time(). */
	while (k > 0 && load_pace_time(pace, k) > now_ns)
		k--;
	while (load_pace_time(pace, k) <= now_ns)
		k++;
	return k;
}

uint64_t load_pace_due(const struct load_pace *pace, uint64_t now_ns)
{
	uint64_t due = UINT64_MAX;

	if (pace->rate > 0) {
		/* An exchange that is due at the very end is not started any more. */
		if (pace->duration_ns > 0 && now_ns >= pace->duration_ns)
			now_ns = pace->duration_ns - 1;
		due = count_passed(pace, now_ns);
	}
	return due < pace->total ? due : pace->total;
}
