/* SPDX-License-Identifier: MIT */
/* preforkctl. A table with aligned columns, and lines of free text between the rows. */
#ifndef PREFORKD_CTL_TABLE_H
#define PREFORKD_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_look { TABLE_PLAIN, TABLE_BOLD, TABLE_GOOD, TABLE_WARN, TABLE_BAD };

struct table_column {
	const char *title;
	bool left;	     /* aligned to the left, for text */
	bool may_be_dropped; /* if the paper is too narrow for all columns */
	bool may_be_cut;     /* then its texts are shortened, and end with ~ */
};

/* The medium that a table is written for. */
struct table_paper {
	bool color;
	unsigned width; /* columns; 0: no limit */
};

struct table;

/* COLUMNS must live as long as the table. NULL without memory: all functions accept that, and table_write() fails. */
struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table **table);

/* Adds the next cell; the cell of the last column ends the row. */
void table_cell(struct table *table, enum table_look look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds a line of free text below the last row. */
void table_note(struct table *table, enum table_look look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Writes the titles, the rows and the notes. -1 and errno if memory ran out, also in an earlier call. */
int table_write(const struct table *table, const struct table_paper *paper, FILE *out);

/* Writes TEXT in the colour of LOOK, if PAPER has colours. */
void table_put(const struct table_paper *paper, enum table_look look, const char *text, FILE *out);

/* The number of characters of TEXT (UTF-8); each is taken for one column of a terminal. */
size_t table_text_width(const char *text);

#endif
