/* SPDX-License-Identifier: MIT */
/*
 * Any process. Reads a file word by word before libconfig parses it, for three reasons: libconfig ends the process when
 * it cannot read an included file, so the scanner inserts those files; libconfig wraps large integers, so the scanner
 * marks them; and libconfig calls every mistake a "syntax error", so the scanner reports some of them better. The
 * result is one text, and for each of its lines the place that it came from.
 */
#ifndef PREFORKD_SYNTAX_SCAN_H
#define PREFORKD_SYNTAX_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "syntax/origin.h"

struct arena;
struct problems;

struct scan {
	char *text; /* for libconfig; owned */
	size_t len, size;
	struct origin *lines; /* line i + 1 of the text came from lines[i]; owned */
	size_t n_lines;
};

/* Reads FILE and the files that it includes; if WARY, only those that nobody but root can change. -1: there is a
 * mistake, which is reported, and the text must not be parsed. The names of files live in ARENA. The caller clears *out
 * in both cases. */
int scan_file(const char *file, bool wary, struct arena *arena, struct problems *problems, struct scan *out);

/* The same for a piece of text that was written at WHERE. It cannot include files. */
int scan_text(const char *text, const struct origin *where, struct arena *arena, struct problems *problems,
	      struct scan *out);

/* The place that line LINE (from 1) of the text came from. */
struct origin scan_origin(const struct scan *scan, unsigned line);

void scan_clear(struct scan *scan);

#endif
