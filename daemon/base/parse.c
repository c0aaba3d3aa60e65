/* SPDX-License-Identifier: MIT */
/* Without strtoll(3), which skips white space and accepts signs where none may be. */
#include "base/parse.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct unit {
	const char *name;
	int64_t factor;
};

/* From large to small: the units of a text must go down this list, so that none appears twice. */
static const struct unit durations[] = {
	{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1},
};

static const struct unit sizes[] = {
	{"T", INT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes digits from *P; false if the number does not fit. No digits are 0. */
static bool take_digits(const char **p, int64_t *out)
{
	int64_t value = 0;

	for (; is_digit(**p); (*p)++) {
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, **p - '0', &value))
			return false;
	}
	*out = value;
	return true;
}

static int refuse_large(const char *text, struct err *err)
{
	return err_set(err, "\"%.64s\" is too large", text);
}

int parse_integer(const char *text, int64_t *out, struct err *err)
{
	const char *p = text;
	bool negative = *p == '-';
	int64_t value = 0;

	if (*p == '-' || *p == '+')
		p++;
	if (!is_digit(*p))
		return err_set(err, "\"%.64s\" is not a whole number", text);
	/* Counts downwards, because the smallest number has no positive counterpart. */
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, *p - '0', &value))
			return refuse_large(text, err);
	}
	if (*p != '\0')
		return err_set(err, "\"%.64s\" is not a whole number", text);
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return refuse_large(text, err);
	*out = value;
	return 0;
}

/*
 * Takes the digits behind a decimal point; the fraction is *OUT divided by *DIV_OUT, a power of ten. False if there are
 * no digits, or more than a millisecond in a unit of days needs.
 */
static bool take_fraction(const char **p, int64_t *out, int64_t *div_out)
{
	const char *start = *p;
	const char *end;
	int64_t value = 0;
	int64_t div = 1;

	while (is_digit(**p))
		(*p)++;
	if (*p == start)
		return false;
	end = *p;
	while (end > start && end[-1] == '0')
		end--;
	if (end - start > 9)
		return false;
	for (; start < end; start++) {
		value = value * 10 + (*start - '0');
		div *= 10;
	}
	*out = value;
	*div_out = div;
	return true;
}

/* Takes the unit at *P; -1: unknown. The whole name must match: "min" is not "m". */
static int take_duration_unit(const char **p)
{
	size_t len = strcspn(*p, "0123456789.");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(durations); i++) {
		if (strlen(durations[i].name) == len && strncmp(durations[i].name, *p, len) == 0) {
			*p += len;
			return (int)i;
		}
	}
	return -1;
}

#define SECONDS 3 /* the row of durations[] for a number without a unit */

/* Takes one part such as "1.5h" and adds it to *TOTAL; *ROW is the unit of the part before, and is set to this one. */
static int take_duration_part(const char **p, const char *text, int *row, int64_t *total, struct err *err)
{
	bool first = *p == text;
	int64_t whole, fraction = 0, div = 1;
	int unit;

	if (!is_digit(**p))
		return err_set(err, "\"%.64s\" is not a duration; write for example 30s, 500ms, 5min or 1h", text);
	if (!take_digits(p, &whole))
		return refuse_large(text, err);
	if (**p == '.') {
		(*p)++;
		if (!take_fraction(p, &fraction, &div))
			return err_set(err, "\"%.64s\": no such fraction of a duration", text);
	}
	if (**p == '\0' && first)
		unit = SECONDS;
	else
		unit = take_duration_unit(p);
	if (unit < 0)
		return err_set(err, "\"%.64s\": the units of a duration are ms, s, min, h and d", text);
	if (unit <= *row)
		return err_set(err, "\"%.64s\": the units of a duration go from large to small", text);
	*row = unit;
	/* At most 86400000 * 10^9: no overflow. */
	fraction *= durations[unit].factor;
	if (fraction % div != 0)
		return err_set(err, "\"%.64s\" is finer than a millisecond", text);
	if (__builtin_mul_overflow(whole, durations[unit].factor, &whole) ||
	    __builtin_add_overflow(whole, fraction / div, &whole) || __builtin_add_overflow(*total, whole, total))
		return refuse_large(text, err);
	return 0;
}

int parse_duration(const char *text, int64_t *ms_out, struct err *err)
{
	const char *p = text;
	int64_t total = 0;
	int row = -1;

	if (strcmp(text, "unlimited") == 0) {
		*ms_out = 0;
		return 0;
	}
	if (*p == '-')
		return err_set(err, "\"%.64s\": a duration is not negative", text);
	do {
		if (take_duration_part(&p, text, &row, &total, err) < 0)
			return -1;
	} while (*p != '\0');
	*ms_out = total;
	return 0;
}

int parse_size(const char *text, int64_t *bytes_out, struct err *err)
{
	const char *p = text;
	int64_t value;
	size_t i;

	if (strcmp(text, "unlimited") == 0) {
		*bytes_out = 0;
		return 0;
	}
	if (*p == '-')
		return err_set(err, "\"%.64s\": a size is not negative", text);
	if (!is_digit(*p))
		return err_set(err, "\"%.64s\" is not a size; write for example 4096, 64K or 10M", text);
	if (!take_digits(&p, &value))
		return refuse_large(text, err);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (strcasecmp(p, sizes[i].name) == 0)
			break;
	}
	if (i == ARRAY_SIZE(sizes))
		return err_set(err, "\"%.64s\": the units of a size are K, M, G and T", text);
	if (__builtin_mul_overflow(value, sizes[i].factor, &value))
		return refuse_large(text, err);
	*bytes_out = value;
	return 0;
}

int parse_hundredths(const char *text, int64_t *out, struct err *err)
{
	const char *p = text;
	int64_t value, fraction = 0, div = 1;

	if (strcmp(text, "unlimited") == 0) {
		*out = 0;
		return 0;
	}
	if (*p == '-')
		return err_set(err, "\"%.64s\" is negative", text);
	if (!is_digit(*p))
		return err_set(err, "\"%.64s\" is not a number such as 8.5", text);
	if (!take_digits(&p, &value))
		return refuse_large(text, err);
	if (*p == '.') {
		p++;
		if (!take_fraction(&p, &fraction, &div) || div > 100)
			return err_set(err, "\"%.64s\": up to two digits follow the point", text);
	}
	if (*p != '\0')
		return err_set(err, "\"%.64s\" is not a number such as 8.5", text);
	if (__builtin_mul_overflow(value, 100, &value) || __builtin_add_overflow(value, fraction * (100 / div), &value))
		return refuse_large(text, err);
	*out = value;
	return 0;
}

int parse_mode(const char *text, mode_t *mode_out, struct err *err)
{
	const char *p;
	mode_t mode = 0;

	for (p = text; *p >= '0' && *p <= '7'; p++) {
		mode = mode * 8 + (mode_t)(*p - '0');
		if (mode > 07777)
			return err_set(err, "\"%.64s\" is more than 07777", text);
	}
	if (p == text || *p != '\0')
		return err_set(err, "\"%.64s\" is not an octal mode such as 0660", text);
	*mode_out = mode;
	return 0;
}

void format_duration(int64_t ms, char *out, size_t size)
{
	size_t i = 0;

	if (ms <= 0) {
		(void)snprintf(out, size, "0");
		return;
	}
	while (ms % durations[i].factor != 0)
		i++;
	(void)snprintf(out, size, "%" PRId64 "%s", ms / durations[i].factor, durations[i].name);
}

/* COUNT of the unit LARGE, and REST of the unit SMALL unless that is 0. */
static void write_two(int64_t count, const char *large, int64_t rest, const char *small, char *out, size_t size)
{
	if (rest == 0)
		(void)snprintf(out, size, "%" PRId64 "%s", count, large);
	else
		(void)snprintf(out, size, "%" PRId64 "%s%" PRId64 "%s", count, large, rest, small);
}

void format_elapsed(int64_t ms, char *out, size_t size)
{
	const int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

	if (ms < second)
		(void)snprintf(out, size, "%" PRId64 "ms", ms > 0 ? ms : 0);
	else if (ms < minute && ms % second < 100)
		(void)snprintf(out, size, "%" PRId64 "s", ms / second);
	else if (ms < minute)
		(void)snprintf(out, size, "%" PRId64 ".%" PRId64 "s", ms / second, ms % second / 100);
	else if (ms < hour)
		write_two(ms / minute, "min", ms % minute / second, "s", out, size);
	else if (ms < day)
		write_two(ms / hour, "h", ms % hour / minute, "min", out, size);
	else
		write_two(ms / day, "d", ms % day / hour, "h", out, size);
}

void format_hundredths(int64_t value, char *out, size_t size)
{
	if (value % 100 == 0)
		(void)snprintf(out, size, "%" PRId64, value / 100);
	else if (value % 10 == 0)
		(void)snprintf(out, size, "%" PRId64 ".%" PRId64, value / 100, value % 100 / 10);
	else
		(void)snprintf(out, size, "%" PRId64 ".%02" PRId64, value / 100, value % 100);
}

void format_size(int64_t bytes, char *out, size_t size)
{
	size_t i = 0;

	if (bytes <= 0) {
		(void)snprintf(out, size, "0");
		return;
	}
	while (bytes % sizes[i].factor != 0)
		i++;
	(void)snprintf(out, size, "%" PRId64 "%s", bytes / sizes[i].factor, sizes[i].name);
}

#define RATE_NUMBER_MOST 1000000
#define RATE_TIME_MOST	 (24 * 60 * 60 * INT64_C(1000))

int parse_rate(const char *text, struct rate *out, struct err *err)
{
	const char *slash = strchr(text, '/');
	char number[32], time[64];
	struct rate rate;

	if (strcmp(text, "0") == 0 || strcmp(text, "unlimited") == 0) {
		*out = (struct rate){.n = 0};
		return 0;
	}
	if (slash == NULL || slash == text || (size_t)(slash - text) >= sizeof(number) || strlen(slash) >= sizeof(time))
		return err_set(err, "\"%.64s\" is not a rate such as \"100/1min\" or \"10/s\"", text);
	memcpy(number, text, (size_t)(slash - text));
	number[slash - text] = '\0';
	if (parse_integer(number, &rate.n, err) < 0)
		return -1;
	/* "10/s" means 10 in 1 s. */
	(void)snprintf(time, sizeof(time), "%s%s", slash[1] >= 'a' && slash[1] <= 'z' ? "1" : "", slash + 1);
	if (parse_duration(time, &rate.per_ms, err) < 0)
		return -1;
	if (rate.n < 1 || rate.n > RATE_NUMBER_MOST || rate.per_ms < 1 || rate.per_ms > RATE_TIME_MOST)
		return err_set(err, "\"%.64s\" is out of range: 1 to 1000000 in 1ms to 1d", text);
	*out = rate;
	return 0;
}

void format_rate(const struct rate *rate, char *out, size_t size)
{
	char time[32];

	if (rate->n == 0) {
		(void)snprintf(out, size, "0");
		return;
	}
	format_duration(rate->per_ms, time, sizeof(time));
	(void)snprintf(out, size, "%lld/%s", (long long)rate->n, time);
}
