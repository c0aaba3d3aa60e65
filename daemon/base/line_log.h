/* SPDX-License-Identifier: MIT */
/*
 * Master, worker. What another process writes, line by line into our log: long lines are cut, NUL bytes become blanks,
 * and more than PER_SECOND lines a second are counted and dropped, so that a process can neither fill the disk with our
 * log nor be slowed down by it. A line that begins with <0> to <7> has this priority (sd-daemon(3)), but at most
 * "alert": an emergency goes to all terminals, and a client may have chosen the text. Any other line is a notice; its
 * importance is not known, so it is written whatever the level of the log. The log escapes what is not printable. Reads
 * no descriptor itself.
 */
#ifndef PREFORKD_BASE_LINE_LOG_H
#define PREFORKD_BASE_LINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/last_lines.h"

#define LINE_LOG_LINE 1024 /* bytes of a line; the rest of a longer line is dropped and marked with "..." */

struct line_log {
	/* Set by the caller; the rest is zero at the beginning. */
	const char *source;  /* "the program": for "N more lines of SOURCE are not shown" */
	unsigned per_second; /* 0: no limit */
	void (*write)(void *userdata, int priority, const char *text);
	void *userdata;
	struct last_lines *last; /* keeps the last lines, also those that are not shown; NULL: nobody does */

	char line[LINE_LOG_LINE + sizeof("...")]; /* the line that has not ended yet */
	size_t used;
	bool too_long;	/* the rest of this line is dropped */
	int64_t second; /* the current one, of the monotonic clock */
	unsigned lines; /* that were written in it */
	unsigned long dropped;
};

/* LEN bytes have come: writes the lines that end in them. */
void line_log_add(struct line_log *log, const char *bytes, size_t len);

/* No more bytes will come for the line that has not ended: writes it. */
void line_log_end_line(struct line_log *log);

/* The process has ended: the same, and the number of lines that were dropped. */
void line_log_finish(struct line_log *log);

#endif
