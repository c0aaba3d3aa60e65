/* SPDX-License-Identifier: MIT */
#include "upgrade/handover_rows.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json_text.h"
#include "net/addr.h"

/* ---- writing ---- */

static json_t *write_text(const char *text)
{
	json_t *out = text != NULL ? json_string(text) : json_null();

	return out != NULL ? out : json_text(text); /* not UTF-8: escaped */
}

static json_t *write_address(const struct sockaddr_any *addr)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = (const unsigned char *)&addr->ss;
	char text[2 * sizeof(addr->ss) + 1];

	for (size_t i = 0; i < addr->len; i++) {
		text[2 * i] = digits[byte[i] >> 4];
		text[2 * i + 1] = digits[byte[i] & 15];
	}
	text[2 * addr->len] = '\0';
	return json_string(text);
}

static json_t *write_integer(const struct row *row, const void *field)
{
	if (row->size == sizeof(int64_t))
		return json_integer(*(const int64_t *)field);
	return json_integer(row->type == ROW_UNSIGNED ? (json_int_t) * (const uint32_t *)field
						      : *(const int32_t *)field);
}

static json_t *write_field(const struct row *row, const void *field)
{
	switch (row->type) {
	case ROW_BOOL:
		return json_boolean(*(const bool *)field);
	case ROW_SIGNED:
	case ROW_UNSIGNED:
	case ROW_FD:
		return write_integer(row, field);
	case ROW_TEXT:
		return write_text(field);
	case ROW_STRING:
		return write_text(*(char *const *)field);
	case ROW_ADDRESS:
		return write_address(field);
	}
	return NULL;
}

json_t *rows_write(const struct row_table *table, const void *object)
{
	json_t *out = json_object();

	for (size_t i = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];

		if (json_object_set_new(out, row->key, write_field(row, (const char *)object + row->offset)) < 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* ---- reading; all functions return -1 if VALUE is of another type or does not fit into FIELD ---- */

static int read_bool(const json_t *value, bool *field)
{
	if (!json_is_boolean(value))
		return -1;
	*field = json_is_true(value);
	return 0;
}

static int read_integer(const struct row *row, const json_t *value, void *field)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		return -1;
	if (row->size == sizeof(int64_t)) {
		*(int64_t *)field = n;
		return 0;
	}
	if (row->type == ROW_UNSIGNED ? n < 0 || n > UINT32_MAX : n < INT32_MIN || n > INT32_MAX)
		return -1;
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

static int read_fd(const json_t *value, int *field)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n > INT_MAX)
		return -1;
	*field = n >= 3 && fcntl((int)n, F_SETFD, FD_CLOEXEC) == 0 ? (int)n : -1;
	return 0;
}

static int read_text(const struct row *row, const json_t *value, char *field)
{
	if (!json_is_string(value))
		return -1;
	(void)snprintf(field, row->size, "%s", json_string_value(value));
	return 0;
}

static int read_string(const json_t *value, char **field)
{
	if (json_is_null(value)) {
		*field = NULL;
		return 0;
	}
	*field = json_is_string(value) ? strdup(json_string_value(value)) : NULL;
	return *field != NULL ? 0 : -1;
}

static int read_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_address(const json_t *value, struct sockaddr_any *field)
{
	const char *hex = json_string_value(value);
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;
	struct sockaddr_any addr = {.len = (socklen_t)len};

	if (hex == NULL || len > sizeof(addr.ss) || strlen(hex) % 2 != 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int high = read_digit(hex[2 * i]), low = read_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		((unsigned char *)&addr.ss)[i] = (unsigned char)(high << 4 | low);
	}
	*field = addr;
	return 0;
}

static int read_field(const struct row *row, const json_t *value, void *field)
{
	switch (row->type) {
	case ROW_BOOL:
		return read_bool(value, field);
	case ROW_SIGNED:
	case ROW_UNSIGNED:
		return read_integer(row, value, field);
	case ROW_FD:
		return read_fd(value, field);
	case ROW_TEXT:
		return read_text(row, value, field);
	case ROW_STRING:
		return read_string(value, field);
	case ROW_ADDRESS:
		return read_address(value, field);
	}
	return -1;
}

int rows_read(const struct row_table *table, const json_t *from, void *object, struct err *err)
{
	if (!json_is_object(from))
		return err_set(err, "the handover has no proper %s", table->what);
	for (size_t i = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];
		const json_t *value = json_object_get(from, row->key);

		if (value != NULL && read_field(row, value, (char *)object + row->offset) < 0)
			return err_set(err, "the handover has a %s whose \"%s\" makes no sense", table->what, row->key);
	}
	return 0;
}
