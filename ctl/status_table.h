/* SPDX-License-Identifier: MIT */
/* preforkctl. The status object of the daemon as a table for people. Does no input of its own. */
#ifndef PREFORKD_CTL_STATUS_TABLE_H
#define PREFORKD_CTL_STATUS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "table.h"

enum status_sort {
	STATUS_AS_SENT,
	STATUS_BY_NAME,
	STATUS_BY_BUSY,
	STATUS_BY_RATE,
	STATUS_BY_QUEUE,
	STATUS_SORTS /* the number of sort orders */
};

struct status_view {
	struct table_paper paper;
	bool listeners; /* a line for each address, also where a service has only one */
	enum status_sort sort;
};

/* The sort order for people, such as "by name". */
const char *status_sort_name(enum status_sort sort);

/* Writes a line about the daemon, more lines if something is wrong, the titles, and a row for each service. Returns the
 * number of lines above the first row; -1 and errno without memory. */
int status_table_write(const json_t *status, const struct status_view *view, FILE *out);

#endif
