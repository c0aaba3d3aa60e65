/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <string.h>

/*
 * Each value below 2 * STEPS has a bucket of its own. A larger value is shifted right until it lies in
 * [STEPS, 2 * STEPS): the number of shifts is the row, the result the place in the row.
 */
size_t histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < 2 * HISTOGRAM_STEPS)
		return (size_t)value;
	shift = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
	return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

uint64_t histogram_upper(size_t bucket)
{
	unsigned shift;
	uint64_t lower;

	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	shift = (unsigned)(bucket >> HISTOGRAM_BITS) - 1;
	lower = (uint64_t)(bucket - ((size_t)shift << HISTOGRAM_BITS)) << shift;
	return lower + ((UINT64_C(1) << shift) - 1);
}

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->buckets[histogram_bucket(value)]++;
	h->count++;
	h->sum += (double)value;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	size_t i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
	into->count += from->count;
	into->sum += from->sum;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

/* PERCENT of COUNT, rounded up, at least 1. */
static uint64_t get_rank(uint64_t count, double percent)
{
	double exact = percent / 100 * (double)count;
	uint64_t whole;

	/* Also for NaN. By a rounding error the product may be above COUNT. */
	if (!(exact > 1))
		return 1;
	if (exact >= (double)count)
		return count;
	/* 99.9 percent of 1000 must be 999: a rounding error must not make it 1000. */
	whole = (uint64_t)(exact + 1e-9 * exact);
	return (double)whole < exact - 1e-9 * exact ? whole + 1 : whole;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t wanted, seen = 0;
	size_t i;

	if (h->count == 0)
		return 0;
	wanted = get_rank(h->count, percent);
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted) {
			uint64_t upper = histogram_upper(i);

			return upper < h->max ? upper : h->max;
		}
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count == 0 ? 0 : h->sum / (double)h->count;
}
