/* SPDX-License-Identifier: MIT */
/*
 * A value as it was written, before anybody has asked what it is for: the form in which files and
 * the command line meet the rows.
 */
#ifndef PREFORKD_SYNTAX_RAW_H
#define PREFORKD_SYNTAX_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum raw_type {
	RAW_GROUP, /* { ... }; what is in it follows with longer paths */
	RAW_INTEGER,
	RAW_FLOAT,
	RAW_BOOL,
	RAW_STRING,
	RAW_LIST,
	RAW_TEXT, /* from the command line: the row says what it is */
};

struct raw {
	const char *path; /* "services.echo.workers.max" */
	struct origin origin;
	enum raw_type type;
	int64_t integer;
	double real;
	bool boolean;
	const char *string;
	struct raw *items; /* of a list; only type, origin and value are set */
	size_t n_items;
	bool bad; /* reported already, not to be used */
};

/* Embedded; the values live in the arena, the list of pointers is malloc()ed. */
struct raws {
	struct raw **list;
	size_t n;
};

#endif
