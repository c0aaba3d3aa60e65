/* SPDX-License-Identifier: MIT */
/*
 * preforkctl. Values of the daemon's replies as text for people. A member that is missing or of another type is written
 * as
 * "-", and text is escaped, so that a broken or hostile daemon cannot command the terminal.
 */
#ifndef PREFORKD_CTL_VALUES_H
#define PREFORKD_CTL_VALUES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VALUES_NUMBER_MAX 32 /* bytes; enough for every number below */

/* Reads the member KEY. False, and *out is 0, if OBJECT has no such member or the member is no integer (no number). */
bool values_integer(const json_t *object, const char *key, int64_t *out);
bool values_real(const json_t *object, const char *key, double *out);

/* Writes the string KEY into OUT, escaped, cut to SIZE. Returns OUT. */
const char *values_text(const json_t *object, const char *key, char *out, size_t size);

/* Writes a number that identifies something, such as a pid: with all digits. Returns OUT. */
const char *values_number(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);

/* Write an amount and return OUT: a count, exact up to 999999, then as in "12.3M"; bytes, in powers of 1024; a rate, as
 * in "1.5/s"; a time in seconds, as in "3m20s", or in words as in "3 min 20 s". */
const char *values_count(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_bytes(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_rate(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_age(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);
const char *values_age_words(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX]);

/* values_count() for a number, values_age() for a time in seconds. */
const char *values_count_of(int64_t n, char out[VALUES_NUMBER_MAX]);
const char *values_age_of(double seconds, char out[VALUES_NUMBER_MAX]);

/* A sum; parts of it may be unknown. */
struct values_sum {
	int64_t n;
	bool known; /* at least one part was known */
};
void values_add(struct values_sum *sum, const json_t *object, const char *key);
const char *values_sum_text(const struct values_sum *sum, char out[VALUES_NUMBER_MAX]);

#endif
