/* SPDX-License-Identifier: MIT */
/*
 * A look at a file before libconfig sees it, word by word. It puts included files in place itself,
 * because libconfig ends the process over an include that it cannot read; it writes integers so
 * that libconfig does not wrap them; and it names mistakes that would else be a "syntax error".
 * What comes out is one text, with the place that each of its lines came from.
 */
#ifndef PREFORKD_SYNTAX_SCAN_H
#define PREFORKD_SYNTAX_SCAN_H

#include <stddef.h>

#include "syntax/origin.h"

struct arena;
struct problems;

struct scan {
	char *text; /* what libconfig is to read; owned */
	size_t len, size;
	struct origin *lines; /* line i + 1 of the text came from lines[i]; owned */
	size_t n_lines;
};

/* Reads FILE and what it includes. -1: not fit for libconfig, and the problems say why.
 * The names of files live in the arena; *out is to be cleared in both cases. */
int scan_file(const char *file, struct arena *arena, struct problems *problems, struct scan *out);

/* The same for a piece of text that was written at WHERE. It cannot include anything. */
int scan_text(const char *text, const struct origin *where, struct arena *arena, struct problems *problems,
	      struct scan *out);

/* Where line LINE of the text came from. */
struct origin scan_origin(const struct scan *scan, unsigned line);

void scan_clear(struct scan *scan);

#endif
