/* SPDX-License-Identifier: MIT */
#include "config/set_value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/parse.h"
#include "config/row.h"
#include "config/row_names.h"
#include "config/values.h"
#include "syntax/raw.h"

static const char *name_type(enum raw_type type)
{
	switch (type) {
	case RAW_GROUP:
		return "a group";
	case RAW_INTEGER:
		return "a number";
	case RAW_FLOAT:
		return "a fraction";
	case RAW_BOOL:
		return "true or false";
	case RAW_LIST:
		return "a list";
	case RAW_STRING:
	case RAW_TEXT:
		return "a string";
	}
	return "";
}

static bool is_text(const struct raw *raw)
{
	return raw->type == RAW_STRING || raw->type == RAW_TEXT;
}

static int reject_type(const char *wanted, const struct raw *raw, struct err *err)
{
	return err_set(err, "must be %s, not %s", wanted, name_type(raw->type));
}

/* -1 and *err: VALUE is out of the row's range. */
static int check_range(const struct row *row, int64_t value, struct err *err)
{
	char text[32], range[160];

	if (value == 0 && row->zero != NULL)
		return 0;
	if (value < row->min || value > row->max) {
		row_range(row, range, sizeof(range));
		if (value == INT64_MAX || value == INT64_MIN)
			return err_set(err, "the value is far out of range: %s", range);
		if (row->type == ROW_DURATION && value > 0)
			format_duration(value, text, sizeof(text));
		else if (row->type == ROW_DECIMAL && value > 0)
			format_hundredths(value, text, sizeof(text));
		else
			(void)snprintf(text, sizeof(text), "%" PRId64, value);
		return err_set(err, "%s is out of range: %s", text, range);
	}
	if (row->step > 0 && value % row->step != 0) {
		format_duration(row->step, text, sizeof(text));
		return err_set(err, "must be a multiple of %s", text);
	}
	return 0;
}

static int set_integer(const struct row *row, const struct raw *raw, int64_t *field, struct err *err)
{
	int64_t value;

	if (is_text(raw) && row->zero != NULL && strcmp(raw->string, "unlimited") == 0)
		value = 0;
	else if (raw->type == RAW_INTEGER)
		value = raw->integer;
	else if (raw->type == RAW_STRING)
		return err_set(err, "must be a number, without quotes");
	else if (raw->type != RAW_TEXT)
		return reject_type("a whole number", raw, err);
	else if (parse_integer(raw->string, &value, err) < 0)
		return -1;
	if (check_range(row, value, err) < 0)
		return -1;
	*field = value;
	return 0;
}

/* A fraction in hundredths. -1 and *err: it is none, or finer. */
static int convert_fraction(double real, int64_t *out, struct err *err)
{
	double hundredths = real * 100, whole = (double)(int64_t)(hundredths + 0.5);

	if (hundredths - whole > 1e-6 || whole - hundredths > 1e-6)
		return err_set(err, "up to two digits follow the point");
	*out = (int64_t)whole;
	return 0;
}

static int set_decimal(const struct row *row, const struct raw *raw, int64_t *field, struct err *err)
{
	int64_t value;

	if (raw->type == RAW_INTEGER) {
		if (__builtin_mul_overflow(raw->integer, 100, &value))
			value = raw->integer < 0 ? INT64_MIN : INT64_MAX;
	} else if (raw->type == RAW_FLOAT) {
		if (!(raw->real >= 0 && raw->real < 1e9))
			return err_set(err, "the value is far out of range");
		if (convert_fraction(raw->real, &value, err) < 0)
			return -1;
	} else if (!is_text(raw)) {
		return reject_type("a number such as 8.5", raw, err);
	} else if (parse_hundredths(raw->string, &value, err) < 0) {
		return -1;
	}
	if (check_range(row, value, err) < 0)
		return -1;
	*field = value;
	return 0;
}

/* Seconds in milliseconds; a number that is too large stays too large. */
static int64_t convert_seconds(int64_t seconds)
{
	int64_t ms;

	if (__builtin_mul_overflow(seconds, 1000, &ms))
		return seconds < 0 ? INT64_MIN : INT64_MAX;
	return ms;
}

static int set_duration(const struct row *row, const struct raw *raw, int64_t *field, struct err *err)
{
	int64_t value;

	if (raw->type == RAW_INTEGER) {
		value = convert_seconds(raw->integer);
	} else if (raw->type == RAW_FLOAT) {
		/* 1e11 seconds are more than every limit, and a double still holds their milliseconds. */
		if (!(raw->real >= 0 && raw->real < 1e11))
			return err_set(err, "the value is far out of range");
		value = (int64_t)(raw->real * 1000 + 0.5);
	} else if (!is_text(raw)) {
		return reject_type("a duration such as \"30s\" or a number of seconds", raw, err);
	} else if (parse_duration(raw->string, &value, err) < 0) {
		return -1;
	}
	if (check_range(row, value, err) < 0)
		return -1;
	*field = value;
	return 0;
}

static int set_size(const struct row *row, const struct raw *raw, int64_t *field, struct err *err)
{
	int64_t value;

	if (raw->type == RAW_INTEGER)
		value = raw->integer;
	else if (!is_text(raw))
		return reject_type("a size such as \"64K\" or a number of bytes", raw, err);
	else if (parse_size(raw->string, &value, err) < 0)
		return -1;
	if (check_range(row, value, err) < 0)
		return -1;
	*field = value;
	return 0;
}

/* A word in place of a number. False: RAW is none of those that ROW takes. */
static bool set_word(const struct row *row, const struct raw *raw, int64_t *field)
{
	if (!is_text(raw))
		return false;
	if (row->empty != NULL && *raw->string == '\0')
		*field = CONFIG_UNSET;
	else if (row->unlimited && strcmp(raw->string, "unlimited") == 0)
		*field = CONFIG_UNLIMITED;
	else
		return false;
	return true;
}

static int set_bool(const struct raw *raw, bool *field, struct err *err)
{
	if (raw->type == RAW_BOOL)
		*field = raw->boolean;
	else if (raw->type == RAW_TEXT && strcmp(raw->string, "true") == 0)
		*field = true;
	else if (raw->type == RAW_TEXT && strcmp(raw->string, "false") == 0)
		*field = false;
	else if (is_text(raw))
		return err_set(err, "must be true or false, without quotes, not \"%.64s\"", raw->string);
	else
		return reject_type("true or false", raw, err);
	return 0;
}

static int set_mode(const struct row *row, const struct raw *raw, mode_t *field, struct err *err)
{
	mode_t value;

	/* libconfig reads 0660 without quotes as the decimal number 660. */
	if (raw->type == RAW_INTEGER)
		return err_set(err, "a mode goes into quotes, for example \"0660\": without them "
				    "it is read as a decimal number");
	if (!is_text(raw))
		return reject_type("an octal mode in quotes", raw, err);
	if (row->empty != NULL && *raw->string == '\0') {
		*field = CONFIG_UNSET_MODE;
		return 0;
	}
	if (parse_mode(raw->string, &value, err) < 0)
		return -1;
	if (value > (mode_t)row->max)
		return err_set(err, "\"%.64s\" is more than %04o", raw->string, (unsigned)row->max);
	*field = value;
	return 0;
}

static int set_name(const struct row *row, const struct raw *raw, int *field, struct err *err)
{
	char all[ROW_NAMES_SIZE];
	int value;

	if (!is_text(raw))
		return reject_type("a name in quotes", raw, err);
	value = row_names_value(row->names, raw->string);
	if (value < 0) {
		row_names_list(row->names, all, sizeof(all));
		return err_set(err, "\"%.64s\" is not one of %s", raw->string, all);
	}
	*field = value;
	return 0;
}

static int set_string(const struct raw *raw, struct arena *arena, char **field, struct err *err)
{
	if (!is_text(raw))
		return reject_type("a string", raw, err);
	*field = *raw->string != '\0' ? arena_strdup(arena, raw->string) : NULL;
	return 0;
}

static int set_list(const struct raw *raw, struct arena *arena, struct text_list *field, struct err *err)
{
	/* An empty string is an empty list. */
	size_t n = raw->type == RAW_LIST ? raw->n_items : is_text(raw) && *raw->string == '\0' ? 0 : 1;
	const struct raw *item;
	struct text_list list = {.n = n};
	size_t i;

	if (raw->type != RAW_LIST && !is_text(raw))
		return reject_type("a string or a list of strings", raw, err);
	list.items = arena_alloc(arena, (n + 1) * sizeof(*list.items));
	list.origins = arena_alloc(arena, (n + 1) * sizeof(*list.origins));
	for (i = 0; i < n; i++) {
		item = raw->type == RAW_LIST ? &raw->items[i] : raw;
		if (!is_text(item))
			return err_set(err, "number %zu of the list must be a string, not %s", i + 1,
				       name_type(item->type));
		list.items[i] = arena_strdup(arena, item->string);
		list.origins[i] = item->origin;
	}
	*field = list;
	return 0;
}

static int set_number_of_list(const struct row *row, const struct raw *raw, struct arena *arena, char **item,
			      struct err *err)
{
	int64_t value;

	if (set_integer(row, raw, &value, err) < 0)
		return -1;
	*item = arena_printf(arena, "%" PRId64, value);
	return 0;
}

static int set_numbers(const struct row *row, const struct raw *raw, struct arena *arena, struct text_list *field,
		       struct err *err)
{
	/* An empty string is an empty list. */
	size_t n = raw->type == RAW_LIST ? raw->n_items : is_text(raw) && *raw->string == '\0' ? 0 : 1;
	struct text_list list = {.n = n};

	list.items = arena_alloc(arena, (n + 1) * sizeof(*list.items));
	list.origins = arena_alloc(arena, (n + 1) * sizeof(*list.origins));
	for (size_t i = 0; i < n; i++) {
		const struct raw *item = raw->type == RAW_LIST ? &raw->items[i] : raw;

		if (set_number_of_list(row, item, arena, &list.items[i], err) < 0)
			return -1;
		list.origins[i] = item->origin;
	}
	*field = list;
	return 0;
}

static int set_rate(const struct raw *raw, struct rate *field, struct err *err)
{
	if (raw->type == RAW_INTEGER && raw->integer == 0) {
		*field = (struct rate){.n = 0};
		return 0;
	}
	if (!is_text(raw))
		return reject_type("a rate such as \"100/1min\"", raw, err);
	return parse_rate(raw->string, field, err);
}

int set_value(const struct row *row, const struct raw *raw, struct arena *arena, void *base, struct err *err)
{
	void *field = (char *)base + row->offset;

	switch (row->type) {
	case ROW_INTEGER:
		return set_word(row, raw, field) ? 0 : set_integer(row, raw, field, err);
	case ROW_DECIMAL:
		return set_decimal(row, raw, field, err);
	case ROW_DURATION:
		return set_word(row, raw, field) ? 0 : set_duration(row, raw, field, err);
	case ROW_SIZE:
		return set_word(row, raw, field) ? 0 : set_size(row, raw, field, err);
	case ROW_BOOL:
		return set_bool(raw, field, err);
	case ROW_STRING:
		return set_string(raw, arena, field, err);
	case ROW_NAME:
		return set_name(row, raw, field, err);
	case ROW_MODE:
		return set_mode(row, raw, field, err);
	case ROW_LIST:
		return set_list(raw, arena, field, err);
	case ROW_NUMBERS:
		return set_numbers(row, raw, arena, field, err);
	case ROW_RATE:
		return set_rate(raw, field, err);
	case ROW_OPTIONS:
		break; /* a group, not one value (options.h) */
	case ROW_VARIABLES:
		return 0; /* a group, too (environment.h) */
	}
	return err_set(err, "unknown type of key");
}
