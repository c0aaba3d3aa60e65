/* SPDX-License-Identifier: MIT */
/*
 * Values out of the daemon's replies, and how they are written for people. Nothing is taken on
 * trust: what is missing or of another type is "-", text is escaped.
 */
#ifndef PREFORKD_CTL_VALUES_H
#define PREFORKD_CTL_VALUES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VALUES_NUMBER_MAX 32 /* room for any number in words */

/* False where there is no such member, or it is no whole number (or no number at all). */
bool values_integer(const json_t *object, const char *key, int64_t *out);
bool values_real(const json_t *object, const char *key, double *out);

/* A string, escaped. Returns OUT. */
const char *values_text(const json_t *object, const char *key, char *out, size_t size);

/* A number that is a name rather than an amount: always all of it. */
const char *values_number(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);

/* A count, exact up to 999999, then as in "12.3M"; bytes in powers of 1024; a rate, "1.5/s"; a time
 * in seconds, short as in "3m20s" or in words as in "3 min 20 s". Return OUT. */
const char *values_count(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_bytes(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_rate(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_age(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_age_words(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);

/* The same for a number that is at hand. */
const char *values_count_of(int64_t n, char out[VALUES_NUMBER_MAX]);

/* A sum of which parts may not be known. */
struct values_sum {
	int64_t n;
	bool known; /* at least one part was */
};
void values_add(struct values_sum *sum, const json_t *object, const char *key);
const char *values_sum_text(const struct values_sum *sum, char out[VALUES_NUMBER_MAX]);

#endif
