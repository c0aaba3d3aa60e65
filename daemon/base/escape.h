/* SPDX-License-Identifier: MIT */
/* Any process. Makes any bytes safe for one line of a log or a terminal. */
#ifndef PREFORKD_BASE_ESCAPE_H
#define PREFORKD_BASE_ESCAPE_H

#include <stddef.h>

/*
 * Copies IN to OUT (SIZE bytes, always terminated): control characters, DEL, C1 controls and bytes that are
 * not valid UTF-8 become \xNN, a backslash becomes \\; the rest stays. A text that does not fit is
 * cut and ends with "...". Returns the length of OUT. SIZE must be at least 8.
 */
size_t escape_bytes(const char *in, size_t len, char *out, size_t size);

/* The same, but a TAB stays: for a line that is not a row of a table. */
size_t escape_line(const char *in, size_t len, char *out, size_t size);

#endif
