/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdint.h>

#include "histogram.h"

#define BAR_WIDTH 50
#define FIRST_NS  1000

/* 1, 2, 5, 10, 20, ... */
static uint64_t next_step(uint64_t step)
{
	uint64_t unit = 1;

	while (step / unit >= 10)
		unit *= 10;
	return step / unit == 2 ? unit * 5 : step * 2;
}

/* How many values are above FROM and not above TO. A bucket counts with its largest value. */
static uint64_t count_between(const struct histogram *latency, uint64_t from, uint64_t to)
{
	uint64_t n = 0;
	size_t i;

	for (i = histogram_bucket(from); i < HISTOGRAM_BUCKETS && histogram_upper(i) <= to; i++) {
		if (from == 0 || histogram_upper(i) > from)
			n += latency->buckets[i];
	}
	return n;
}

static uint64_t highest_bar(const struct histogram *latency)
{
	uint64_t from = 0, to = FIRST_NS, most = 0;

	for (;;) {
		uint64_t n = count_between(latency, from, to);

		if (n > most)
			most = n;
		if (to > 2 * latency->max)
			return most;
		from = to;
		to = next_step(to);
	}
}

static void draw_bar(uint64_t to, uint64_t n, const struct histogram *latency, uint64_t most, FILE *out)
{
	static const char bar[] = "##################################################";
	int width = (int)(((double)n * BAR_WIDTH + (double)most / 2) / (double)most);

	if (n > 0 && width == 0)
		width = 1; /* a single slow exchange must be visible */
	(void)fprintf(out, "%12g %9" PRIu64 " %6.2f%% %.*s\n", (double)to / 1e6, n,
		      100.0 * (double)n / (double)latency->count, width, bar);
}

void report_histogram(const struct histogram *latency, FILE *out)
{
	uint64_t from = 0, to = FIRST_NS, most, left = latency->count;

	if (left == 0)
		return;
	most = highest_bar(latency);
	(void)fputs("up to ms     exchanges\n", out);
	while (left > 0) {
		uint64_t n = count_between(latency, from, to);

		if (n > 0 || left < latency->count)
			draw_bar(to, n, latency, most, out);
		left -= n;
		from = to;
		to = next_step(to);
	}
}
