/* SPDX-License-Identifier: MIT */
/*
 * Any process. A value as it was written, before its key is known: the form in which values of files and of the command
 * line reach config/build.h. A struct raw and its texts live in an arena.
 */
#ifndef PREFORKD_SYNTAX_RAW_H
#define PREFORKD_SYNTAX_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syntax/origin.h"

struct arena;

enum raw_type {
	RAW_GROUP, /* { ... }; its members are raw values of their own, with longer paths */
	RAW_INTEGER,
	RAW_FLOAT,
	RAW_BOOL,
	RAW_STRING,
	RAW_LIST,
	RAW_TEXT, /* written after -o, without quotes: the key decides about the type */
};

struct raw {
	const char *path; /* "services.echo.workers.max" */
	struct origin origin;
	enum raw_type type;
	int64_t integer;
	double real;
	bool boolean;
	const char *string;
	struct raw *items; /* of a list; in them only type, origin and value are set */
	size_t n_items;
	bool bad; /* the value is wrong, and this was reported: it must not be used */
};

/* Raw values in the order of reading. The list of pointers is malloc()ed: raw_clear() frees it. */
struct raws {
	struct raw **list;
	size_t n;
};

/* Adds an empty value for the key PATH, which must live as long as ARENA. */
struct raw *raw_add(struct raws *raws, struct arena *arena, const char *path);

/* Frees the list, not the values. */
void raw_clear(struct raws *raws);

#endif
