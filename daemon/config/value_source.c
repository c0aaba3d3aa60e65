/* SPDX-License-Identifier: MIT */
#include "config/value_source.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/rows.h"
#include "config/values.h"

static size_t find_row(const struct row *rows, size_t n, const char *path)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(rows[i].path, path) == 0)
			return i;
	}
	abort(); /* a caller's mistake: PATH is a constant of this program */
}

const struct value_source *value_source(const struct service_values *values, const char *path)
{
	return &values->sources[find_row(rows_service, rows_service_count, path)];
}

const struct value_source *value_source_main(const struct main_values *values, const char *path)
{
	return &values->sources[find_row(rows_main, rows_main_count, path)];
}
