/* SPDX-License-Identifier: MIT */
/*
 * Client. Counts values of 64 bits in buckets whose width grows with the value: each power of two is cut into
 * HISTOGRAM_STEPS equal parts. A percentile read back is never below the exact one, and above it by less than 1 part in
 * HISTOGRAM_STEPS; values below 2 * HISTOGRAM_STEPS are exact. The size is fixed; adding takes a few instructions.
 */
#ifndef PREFORKD_CLIENT_HISTOGRAM_H
#define PREFORKD_CLIENT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS	  7
#define HISTOGRAM_STEPS	  (1U << HISTOGRAM_BITS)
#define HISTOGRAM_BUCKETS ((65 - HISTOGRAM_BITS) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t count;
	uint64_t min, max; /* exact; UINT64_MAX and 0 while the histogram is empty */
	double sum;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);

/* Adds the counts of FROM to INTO. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The smallest value that PERCENT (0 to 100) of all values do not exceed; 0 if the histogram is empty. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/* 0 if the histogram is empty. */
double histogram_mean(const struct histogram *h);

/* The bucket of a value, and the largest value of a bucket: for drawing, and for tests. */
size_t histogram_bucket(uint64_t value);
uint64_t histogram_upper(size_t bucket);

#endif
