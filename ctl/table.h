/* SPDX-License-Identifier: MIT */
/* Aligned columns, with lines of free text between the rows. Knows nothing of what is in them. */
#ifndef PREFORKD_CTL_TABLE_H
#define PREFORKD_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_look { TABLE_PLAIN, TABLE_BOLD, TABLE_GOOD, TABLE_WARN, TABLE_BAD };

struct table_column {
	const char *title;
	bool left;	     /* aligned to the left, as text is */
	bool may_be_dropped; /* where the paper is too narrow for all */
};

/* What is written on. */
struct table_paper {
	bool color;
	unsigned width; /* 0: no limit */
};

struct table;

/* NULL without memory; all functions take that, and table_write() fails then. COLUMNS must live on.
 */
struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table **table);

/* The next cell of a row; its last cell ends it. */
void table_cell(struct table *table, enum table_look look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A line of its own below the last row. */
void table_note(struct table *table, enum table_look look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The titles and all lines. Fails with errno if memory ran out. */
int table_write(const struct table *table, const struct table_paper *paper, FILE *out);

/* TEXT in its colours. */
void table_put(const struct table_paper *paper, enum table_look look, const char *text, FILE *out);

/* How many columns of a terminal TEXT (UTF-8) takes. */
size_t table_text_width(const char *text);

#endif
