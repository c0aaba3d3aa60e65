/* SPDX-License-Identifier: MIT */
/*
 * Any process. --print-config: all rows of all services as a file. It prints the values in force, after defaults and
 * look-ups; a configuration that is loaded from the output prints the same output.
 */
#include "config/print.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "config/load.h"
#include "config/options.h"
#include "config/row_names.h"
#include "config/rows.h"
#include "config/values.h"

/* Prints TEXT so that libconfig reads the same string. */
static void print_string(const char *text, FILE *out)
{
	const unsigned char *p;

	(void)fputc('"', out);
	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p == '\n')
			(void)fputs("\\n", out);
		else if (*p == '\t')
			(void)fputs("\\t", out);
		else if (*p < ' ' || *p == 0x7f)
			(void)fprintf(out, "\\x%02x", *p);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

static void print_list(const struct text_list *list, bool numbers, FILE *out)
{
	size_t i;

	(void)fputs("[", out);
	for (i = 0; i < list->n; i++) {
		(void)fputs(i > 0 ? ", " : " ", out);
		if (numbers)
			(void)fputs(list->items[i], out);
		else
			print_string(list->items[i], out);
	}
	(void)fputs(" ]", out);
}

static void print_variables(const struct variables *variables, FILE *out)
{
	(void)fputs("{", out);
	for (size_t i = 0; i < variables->n; i++) {
		(void)fprintf(out, " %s = ", variables->list[i].name);
		print_string(variables->list[i].value, out);
		(void)fputs(";", out);
	}
	(void)fputs(" }", out);
}

/* Prints a word that stands for a number, or for a mode; false: the value of ROW is none. */
static bool print_word(const struct row *row, const void *field, FILE *out)
{
	bool number = row->type == ROW_INTEGER || row->type == ROW_DURATION || row->type == ROW_SIZE;

	if (row->empty != NULL &&
	    (number ? *(const int64_t *)field == CONFIG_UNSET : *(const mode_t *)field == CONFIG_UNSET_MODE))
		print_string("", out);
	else if (row->unlimited && *(const int64_t *)field == CONFIG_UNLIMITED)
		print_string("unlimited", out);
	else
		return false;
	return true;
}

void print_value(const struct row *row, const void *base, FILE *out)
{
	const void *field = (const char *)base + row->offset;
	char *const *string = field;
	char text[32];

	if (print_word(row, field, out))
		return;
	switch (row->type) {
	case ROW_INTEGER:
		(void)fprintf(out, "%" PRId64, *(const int64_t *)field);
		return;
	case ROW_DECIMAL:
		format_hundredths(*(const int64_t *)field, text, sizeof(text));
		(void)fputs(text, out);
		return;
	case ROW_DURATION:
		format_duration(*(const int64_t *)field, text, sizeof(text));
		print_string(text, out);
		return;
	case ROW_SIZE:
		format_size(*(const int64_t *)field, text, sizeof(text));
		print_string(text, out);
		return;
	case ROW_BOOL:
		(void)fputs(*(const bool *)field ? "true" : "false", out);
		return;
	case ROW_STRING:
		print_string(*string != NULL ? *string : "", out);
		return;
	case ROW_NAME:
		print_string(row_names_text(row->names, *(const int *)field), out);
		return;
	case ROW_MODE:
		(void)snprintf(text, sizeof(text), "%04o", (unsigned)*(const mode_t *)field);
		print_string(text, out);
		return;
	case ROW_LIST:
	case ROW_NUMBERS:
		print_list(field, row->type == ROW_NUMBERS, out);
		return;
	case ROW_OPTIONS:
		return; /* print_options() */
	case ROW_VARIABLES:
		print_variables(field, out);
		return;
	case ROW_RATE:
		format_rate(field, text, sizeof(text));
		print_string(text, out);
		return;
	}
}

static void print_options(const struct option_values *options, const char *indent, FILE *out)
{
	size_t i;

	if (options->n == 0)
		return;
	(void)fprintf(out, "%soptions: {\n", indent);
	for (i = 0; i < options->n; i++) {
		(void)fprintf(out, "%s\t%s = ", indent, options->list[i].row.path);
		print_value(&options->list[i].row, &options->list[i], out);
		(void)fputs(";\n", out);
	}
	(void)fprintf(out, "%s};\n", indent);
}

/* The length of the group in the path of ROW, the part before the dot; 0: the row is in no group. */
static int measure_group(const struct row *row)
{
	const char *dot = strchr(row->path, '.');

	return dot != NULL ? (int)(dot - row->path) : 0;
}

static bool is_same_group(const struct row *a, const struct row *b)
{
	int len = measure_group(a);

	return len == measure_group(b) && strncmp(a->path, b->path, (size_t)len) == 0;
}

/* The list was not written, and would be another one if it were. */
static bool is_left_out(const struct row *row, const void *base)
{
	return row->distinct && ((const struct text_list *)((const char *)base + row->offset))->items == NULL;
}

/* Prints all rows, each group in braces. Every line begins with INDENT. */
static void print_rows(const struct row *rows, size_t n, const void *base, const char *indent, FILE *out)
{
	const struct row *row;
	bool opens, closes;
	size_t i;
	int len;

	for (i = 0; i < n; i++) {
		row = &rows[i];
		if (row->type == ROW_OPTIONS) {
			print_options((const void *)((const char *)base + row->offset), indent, out);
			continue;
		}
		len = measure_group(row);
		opens = len > 0 && (i == 0 || !is_same_group(row, row - 1));
		closes = len > 0 && (i + 1 == n || !is_same_group(row, row + 1));
		if (opens)
			(void)fprintf(out, "%s%.*s: {\n", indent, len, row->path);
		if (!is_left_out(row, base)) {
			(void)fprintf(out, "%s%s%s = ", indent, len > 0 ? "\t" : "",
				      row->path + (len > 0 ? len + 1 : 0));
			print_value(row, base, out);
			(void)fputs(";\n", out);
		}
		if (closes)
			(void)fprintf(out, "%s};\n", indent);
	}
}

void config_print(const struct config *config, FILE *out)
{
	const struct config_store *store = config->store;
	size_t i;

	print_rows(rows_main, rows_main_count, &store->main, "", out);
	(void)fputs("services: {\n", out);
	for (i = 0; i < store->n_services; i++) {
		(void)fprintf(out, "\t%s: {\n", store->services[i].service.name);
		print_rows(rows_service, rows_service_count, &store->services[i], "\t\t", out);
		(void)fputs("\t};\n", out);
	}
	(void)fputs("};\n", out);
}
