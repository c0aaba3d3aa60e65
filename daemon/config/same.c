/* SPDX-License-Identifier: MIT */
#include "config/same.h"

#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/parse.h"
#include "config/options.h"
#include "config/row.h"
#include "config/values.h"

bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_list(const struct text_list *a, const struct text_list *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++) {
		if (!same_text(a->items[i], b->items[i]))
			return false;
	}
	return a->n == b->n;
}

static bool is_written(const struct text_list *list)
{
	return list->items != NULL;
}

static bool is_same_options(const struct option_values *a, const struct option_values *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++) {
		const struct row *row = &a->list[i].row, *other = &b->list[i].row;

		if (row->type != other->type || strcmp(row->path, other->path) != 0 ||
		    !same_field(row, (const char *)&a->list[i] + row->offset, (const char *)&b->list[i] + row->offset))
			return false;
	}
	return a->n == b->n;
}

static bool is_same_variables(const struct variables *a, const struct variables *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		if (!same_text(a->list[i].name, b->list[i].name) || !same_text(a->list[i].value, b->list[i].value))
			return false;
	}
	return a->n == b->n;
}

bool same_field(const struct row *row, const void *a, const void *b)
{
	switch (row->type) {
	case ROW_INTEGER:
	case ROW_DECIMAL:
	case ROW_DURATION:
	case ROW_SIZE:
		return *(const int64_t *)a == *(const int64_t *)b;
	case ROW_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case ROW_NAME:
		return *(const int *)a == *(const int *)b;
	case ROW_MODE:
		return *(const mode_t *)a == *(const mode_t *)b;
	case ROW_STRING:
		return same_text(*(char *const *)a, *(char *const *)b);
	case ROW_LIST:
	case ROW_NUMBERS:
		return is_same_list(a, b) && (!row->distinct || is_written(a) == is_written(b));
	case ROW_RATE:
		return ((const struct rate *)a)->n == ((const struct rate *)b)->n &&
		       ((const struct rate *)a)->per_ms == ((const struct rate *)b)->per_ms;
	case ROW_OPTIONS:
		return is_same_options(a, b);
	case ROW_VARIABLES:
		return is_same_variables(a, b);
	}
	return false;
}
