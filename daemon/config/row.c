/* SPDX-License-Identifier: MIT */
#include "config/row.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "config/row_names.h"

const char *row_reload_name(enum row_reload reload)
{
	switch (reload) {
	case RELOAD_LIVE:
		return "live";
	case RELOAD_WORKERS:
		return "workers";
	case RELOAD_LISTENER:
		return "listener";
	}
	return "";
}

void row_range(const struct row *row, char *out, size_t size)
{
	char min[32], max[32];

	switch (row->type) {
	case ROW_DECIMAL:
		format_hundredths(row->min, min, sizeof(min));
		format_hundredths(row->max, max, sizeof(max));
		break;
	case ROW_DURATION:
		format_duration(row->min, min, sizeof(min));
		format_duration(row->max, max, sizeof(max));
		break;
	case ROW_SIZE:
		format_size(row->min, min, sizeof(min));
		format_size(row->max, max, sizeof(max));
		break;
	case ROW_INTEGER:
	case ROW_BOOL:
	case ROW_STRING:
	case ROW_NAME:
	case ROW_MODE:
	case ROW_LIST:
	case ROW_NUMBERS:
	case ROW_RATE:
	case ROW_OPTIONS:
	case ROW_VARIABLES:
		(void)snprintf(min, sizeof(min), "%" PRId64, row->min);
		(void)snprintf(max, sizeof(max), "%" PRId64, row->max);
		break;
	}
	if (row->zero != NULL)
		(void)snprintf(out, size, "%s to %s, or 0: %s", min, max, row->zero);
	else
		(void)snprintf(out, size, "%s to %s%s", min, max, row->unlimited ? ", or unlimited" : "");
}

void row_describe(const struct row *row, char *out, size_t size)
{
	char range[160], names[ROW_NAMES_SIZE];

	row_range(row, range, sizeof(range));
	switch (row->type) {
	case ROW_INTEGER:
	case ROW_DECIMAL:
		(void)snprintf(out, size, "number, %s", range);
		return;
	case ROW_DURATION:
		(void)snprintf(out, size, "duration, %s", range);
		return;
	case ROW_SIZE:
		(void)snprintf(out, size, "size, %s", range);
		return;
	case ROW_BOOL:
		(void)snprintf(out, size, "true or false");
		return;
	case ROW_STRING:
		(void)snprintf(out, size, "string");
		return;
	case ROW_NAME:
		row_names_list(row->names, names, sizeof(names));
		(void)snprintf(out, size, "one of %s", names);
		return;
	case ROW_MODE:
		(void)snprintf(out, size, "octal mode in quotes, \"0\" to \"%04o\"", (unsigned)row->max);
		return;
	case ROW_LIST:
		(void)snprintf(out, size, "string or list of strings");
		return;
	case ROW_NUMBERS:
		(void)snprintf(out, size, "number or list of numbers, %s", range);
		return;
	case ROW_RATE:
		(void)snprintf(out, size, "rate such as \"100/1min\", or 0: %s", row->zero);
		return;
	case ROW_OPTIONS:
		(void)snprintf(out, size, "group of the module's keys");
		return;
	case ROW_VARIABLES:
		(void)snprintf(out, size, "group of NAME = \"value\"");
		return;
	}
}
