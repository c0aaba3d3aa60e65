/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define GAP	    2
#define CUT_FIRST   20 /* the width to which columns are cut before others are dropped */
#define CUT_LAST    8
#define CUT_MOST    256 /* the longest text that is cut, in characters */

struct cell {
	char *text;
	enum table_look look;
	bool note;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct cell *cells; /* row after row; a note takes one cell */
	size_t n, room;
	bool failed;
};

/* The widths of the columns for one medium. */
struct layout {
	size_t widths[COLUMNS_MAX];
	bool dropped[COLUMNS_MAX];
	size_t last; /* the last column that is not dropped */
	int gap;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *table = n <= COLUMNS_MAX ? calloc(1, sizeof(*table)) : NULL;

	if (table == NULL)
		return NULL;
	table->columns = columns;
	table->n_columns = n;
	return table;
}

void table_free(struct table **table)
{
	if (*table == NULL)
		return;
	for (size_t i = 0; i < (*table)->n; i++)
		free((*table)->cells[i].text);
	free((*table)->cells);
	free(*table);
	*table = NULL;
}

__attribute__((format(printf, 4, 0))) static void add_cell(struct table *table, enum table_look look, bool note,
							   const char *fmt, va_list ap)
{
	char *text;

	if (table == NULL || table->failed)
		return;
	if (table->n == table->room) {
		size_t room = table->room == 0 ? 64 : table->room * 2;
		struct cell *cells = reallocarray(table->cells, room, sizeof(*cells));

		if (cells == NULL) {
			table->failed = true;
			return;
		}
		table->cells = cells;
		table->room = room;
	}
	if (vasprintf(&text, fmt, ap) < 0) {
		table->failed = true;
		return;
	}
	table->cells[table->n++] = (struct cell){.text = text, .look = look, .note = note};
}

void table_cell(struct table *table, enum table_look look, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(table, look, false, fmt, ap);
	va_end(ap);
}

void table_note(struct table *table, enum table_look look, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(table, look, true, fmt, ap);
	va_end(ap);
}

size_t table_text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
	return width;
}

void table_put(const struct table_paper *paper, enum table_look look, const char *text, FILE *out)
{
	static const char *const begin[] = {
		[TABLE_PLAIN] = "",	   [TABLE_BOLD] = "\033[1m", [TABLE_GOOD] = "\033[32m",
		[TABLE_WARN] = "\033[33m", [TABLE_BAD] = "\033[31m",
	};

	if (!paper->color || look == TABLE_PLAIN)
		(void)fputs(text, out);
	else
		(void)fprintf(out, "%s%s\033[0m", begin[look], text);
}

static size_t sum_widths(const struct table *table, const struct layout *layout)
{
	size_t sum = 0, c;

	for (c = 0; c < table->n_columns; c++) {
		if (layout->dropped[c])
			continue;
		sum += layout->widths[c] + (sum > 0 ? (size_t)layout->gap : 0);
	}
	return sum;
}

/* Narrows the columns that may be cut, to LEAST, as far as the table does not fit into WIDTH. */
static void cut_columns(const struct table *table, unsigned width, size_t least, struct layout *layout)
{
	size_t c, sum, excess;

	for (c = 0; c < table->n_columns; c++) {
		sum = sum_widths(table, layout);
		if (!table->columns[c].may_be_cut || sum <= width || layout->widths[c] <= least)
			continue;
		excess = sum - width;
		layout->widths[c] = layout->widths[c] - least > excess ? layout->widths[c] - excess : least;
	}
}

/* Makes the table fit into WIDTH: first with smaller gaps, then by cutting long texts, then by dropping the columns
 * that may be dropped. */
static void fit_columns(const struct table *table, unsigned width, struct layout *layout)
{
	size_t c;

	layout->gap = GAP;
	if (width > 0 && sum_widths(table, layout) > width)
		layout->gap = 1;
	if (width > 0)
		cut_columns(table, width, CUT_FIRST, layout);
	for (c = 0; c < table->n_columns && width > 0; c++)
		if (table->columns[c].may_be_dropped && sum_widths(table, layout) > width)
			layout->dropped[c] = true;
	if (width > 0)
		cut_columns(table, width, CUT_LAST, layout);
	for (c = 0; c < table->n_columns; c++)
		if (!layout->dropped[c])
			layout->last = c;
}

static void measure_columns(const struct table *table, unsigned width, struct layout *layout)
{
	size_t c = 0, i;

	*layout = (struct layout){.gap = 0};
	for (i = 0; i < table->n_columns; i++)
		layout->widths[i] = strlen(table->columns[i].title);
	for (i = 0; i < table->n; i++) {
		size_t w;

		if (table->cells[i].note)
			continue;
		w = table_text_width(table->cells[i].text);
		if (w > layout->widths[c])
			layout->widths[c] = w;
		c = (c + 1) % table->n_columns;
	}
	fit_columns(table, width, layout);
}

/* TEXT, or as much of it as fits into WIDTH, with a ~ at its end, in OUT. */
static const char *cut_text(const char *text, size_t width, char out[4 * CUT_MOST + 2])
{
	size_t n = 0, used = 0;

	if (table_text_width(text) <= width || width > CUT_MOST)
		return text;
	while (used + 1 < width) {
		out[n] = text[n];
		n++;
		if (((unsigned char)text[n] & 0xc0) != 0x80)
			used++;
	}
	out[n] = '~';
	out[n + 1] = '\0';
	return out;
}

static void put_cell(const struct table *table, const struct layout *layout, size_t c, const char *text,
		     enum table_look look, const struct table_paper *paper, FILE *out)
{
	char cut[4 * CUT_MOST + 2];
	int pad;

	text = cut_text(text, layout->widths[c], cut);
	pad = (int)(layout->widths[c] - table_text_width(text));
	if (!layout->dropped[c]) {
		if (!table->columns[c].left)
			(void)fprintf(out, "%*s", pad, "");
		table_put(paper, look, text, out);
		if (table->columns[c].left && c != layout->last)
			(void)fprintf(out, "%*s", pad, "");
		(void)fprintf(out, "%*s", c == layout->last ? 0 : layout->gap, "");
	}
	if (c + 1 == table->n_columns)
		(void)fputc('\n', out);
}

int table_write(const struct table *table, const struct table_paper *paper, FILE *out)
{
	struct layout layout;
	size_t c, i;

	if (table == NULL || table->failed) {
		errno = ENOMEM;
		return -1;
	}
	measure_columns(table, paper->width, &layout);
	for (c = 0; c < table->n_columns; c++)
		put_cell(table, &layout, c, table->columns[c].title, TABLE_BOLD, paper, out);
	c = 0;
	for (i = 0; i < table->n; i++) {
		const struct cell *cell = &table->cells[i];

		if (cell->note) {
			table_put(paper, cell->look, cell->text, out);
			(void)fputc('\n', out);
			continue;
		}
		put_cell(table, &layout, c, cell->text, cell->look, paper, out);
		c = (c + 1) % table->n_columns;
	}
	return 0;
}
