/* SPDX-License-Identifier: MIT */
/* Any process. The last lines of a text that comes line by line, for a message about the end of who wrote it. */
#ifndef PREFORKD_BASE_LAST_LINES_H
#define PREFORKD_BASE_LAST_LINES_H

#include <stddef.h>

#define LAST_LINES	5
#define LAST_LINES_LONG 256 /* bytes of each, with the NUL; a longer line is cut */

struct last_lines { /* zero at the beginning */
	char line[LAST_LINES][LAST_LINES_LONG];
	size_t n; /* lines that were added in all */
};

/* Adds LINE in the place of the oldest one. An empty line is not worth its place. */
void last_lines_add(struct last_lines *lines, const char *line);

/* The line number I of those that are kept, the oldest is 0. NULL: there are not so many. */
const char *last_lines_get(const struct last_lines *lines, size_t i);

#endif
