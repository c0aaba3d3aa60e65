/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them in a configuration or on a command line. All of them take the
 * whole string: leading or trailing characters that do not belong are an error. No locale.
 */
#ifndef PREFORKD_BASE_PARSE_H
#define PREFORKD_BASE_PARSE_H

#include <stdint.h>
#include <sys/types.h>

struct err;

/* A decimal integer, with an optional sign. ERANGE-like errors name the text. */
int parse_integer(const char *text, int64_t *out, struct err *err);

/*
 * A duration in milliseconds: "500ms", "30s", "5min", "1h", "2d", "1h30min", "1.5s"; a bare number
 * is seconds. "0" and "unlimited" both give 0; what 0 means is the caller's business.
 * Negative values, and anything finer than a millisecond, are errors.
 */
int parse_duration(const char *text, int64_t *ms_out, struct err *err);

/* A size in bytes: "4096", "64K", "10M", "2G" (powers of 1024); "unlimited" gives 0. */
int parse_size(const char *text, int64_t *bytes_out, struct err *err);

/* A file mode in octal: "0660", "660"; at most 07777. */
int parse_mode(const char *text, mode_t *mode_out, struct err *err);

/* One number with the largest unit that divides it, which parse_duration() reads back as the same
 * value: "1h", "90min", "1500ms"; "0" for 0. */
void format_duration(int64_t ms, char *out, size_t size);

/* The same for parse_size(): "64K", "1000". */
void format_size(int64_t bytes, char *out, size_t size);

#endif
