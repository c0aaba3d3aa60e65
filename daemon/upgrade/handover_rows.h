/* SPDX-License-Identifier: MIT */
/*
 * Master. Writes structs as JSON objects and reads them again. A table has one row for each field that is handed over,
 * and the same table serves both directions.
 */
#ifndef PREFORKD_UPGRADE_HANDOVER_ROWS_H
#define PREFORKD_UPGRADE_HANDOVER_ROWS_H

#include <jansson.h>
#include <stddef.h>

struct err;

enum row_type {
	ROW_BOOL,
	ROW_SIGNED,   /* an integer of 4 or 8 bytes */
	ROW_UNSIGNED, /* the same; 8 bytes: all 64 bits survive */
	ROW_TEXT,     /* an array of char; a text that is too long is cut */
	ROW_STRING,   /* a char *, owned by the struct; NULL is allowed */
	ROW_ADDRESS,  /* a struct sockaddr_any; in hexadecimal */
	ROW_FD,	      /* an int; reading makes it close-on-exec, and -1 if no descriptor has this number */
};

struct row {
	const char *key;
	enum row_type type;
	size_t offset, size; /* of the field; bytes */
};

struct row_table {
	const char *what; /* the name of the struct in errors */
	const struct row *rows;
	size_t n;
};

/* A row of the field FIELD of the struct type IN. */
#define ROW(type, in, field, key)                                                                                      \
	{                                                                                                              \
		key, type, offsetof(in, field), sizeof(((in *)0)->field)                                               \
	}

/* A new JSON object with all fields of OBJECT that TABLE has; NULL: no memory. */
json_t *rows_write(const struct row_table *table, const void *object);

/*
 * Reads the fields from the JSON object FROM into OBJECT. A field whose key is missing keeps its value: the other image
 * does not know the field. -1 and *err: FROM is no object, a value has another type, or it does not fit into its field;
 * the fields before it have been read then.
 */
int rows_read(const struct row_table *table, const json_t *from, void *object, struct err *err);

#endif
