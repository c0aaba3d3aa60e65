/* SPDX-License-Identifier: MIT */
#include "base/last_lines.h"

#include <stdio.h>

void last_lines_add(struct last_lines *lines, const char *line)
{
	if (line[0] != '\0')
		(void)snprintf(lines->line[lines->n++ % LAST_LINES], LAST_LINES_LONG, "%s", line);
}

const char *last_lines_get(const struct last_lines *lines, size_t i)
{
	size_t kept = lines->n < LAST_LINES ? lines->n : LAST_LINES;

	return i < kept ? lines->line[(lines->n - kept + i) % LAST_LINES] : NULL;
}
