/* SPDX-License-Identifier: MIT */
/* The daemon's status object, written for people. Reads nothing but the object. */
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
	STATUS_SORTS /* how many there are */
};

struct status_view {
	struct table_paper paper;
	bool listeners; /* a line for each, even if a service has one alone */
	enum status_sort sort;
};

/* "by name", for a person. */
const char *status_sort_name(enum status_sort sort);

/* A line about the daemon, more if something is wrong, and a row for each service. Fails with errno
 * without memory. */
int status_table_write(const json_t *status, const struct status_view *view, FILE *out);

#endif
