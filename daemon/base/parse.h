/* SPDX-License-Identifier: MIT */
/*
 * Any process. Numbers as people write them in a configuration or on a command line. Each function takes the whole
 * string: other leading or trailing characters are an error. The locale does not matter.
 */
#ifndef PREFORKD_BASE_PARSE_H
#define PREFORKD_BASE_PARSE_H

#include <stdint.h>
#include <sys/types.h>

struct err;

/* A decimal integer, with an optional sign. */
int parse_integer(const char *text, int64_t *out, struct err *err);

/*
 * A duration in milliseconds: "500ms", "30s", "5min", "1h", "2d", "1h30min", "1.5s"; a bare number
 * is seconds. "0" and "unlimited" both give 0, whose meaning the caller decides. Negative values, and fractions of a
 * millisecond, are errors.
 */
int parse_duration(const char *text, int64_t *ms_out, struct err *err);

/* A size in bytes: "4096", "64K", "10M", "2G" (powers of 1024); "unlimited" gives 0. */
int parse_size(const char *text, int64_t *bytes_out, struct err *err);

/* A number with up to two digits after the point, in hundredths: "8.5", "12"; "unlimited" gives 0. Not negative. */
int parse_hundredths(const char *text, int64_t *out, struct err *err);

/* A file mode in octal: "0660", "660"; at most 07777. */
int parse_mode(const char *text, mode_t *mode_out, struct err *err);

/* N events in PER_MS, evenly: up to n at once, then one for each per_ms / n. n == 0: no limit. */
struct rate {
	int64_t n, per_ms;
};

/* "10/s", "100/1min", "5/500ms": n from 1 to 1000000, in 1ms to 1d; "0" and "unlimited" give no limit. */
int parse_rate(const char *text, struct rate *out, struct err *err);

/* "100/1min", which parse_rate() reads back as the same; "0" for no limit. */
void format_rate(const struct rate *rate, char *out, size_t size);

/* One number with the largest unit that divides it, which parse_duration() reads back as the same
 * value: "1h", "90min", "1500ms"; "0" for 0. */
void format_duration(int64_t ms, char *out, size_t size);

/* A time that was measured, cut to what a person reads at a glance: "340ms", "3s", "12.3s", "2min5s", "1h10min",
 * "3d4h". parse_duration() reads it. */
void format_elapsed(int64_t ms, char *out, size_t size);

/* The shortest text that parse_hundredths() reads back as the same value: "8.5", "12", "0". */
void format_hundredths(int64_t value, char *out, size_t size);

/* The same for parse_size(): "64K", "1000". */
void format_size(int64_t bytes, char *out, size_t size);

#endif
