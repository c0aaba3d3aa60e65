/* SPDX-License-Identifier: MIT */
/*
 * The one table of keys. Reading, range errors, defaults, --print-config, --help-config and the
 * checks of the manual and the sample file all go by it: a new key is a new row, and the field
 * that it fills.
 */
#ifndef PREFORKD_CONFIG_ROW_H
#define PREFORKD_CONFIG_ROW_H

#include <stddef.h>
#include <stdint.h>

struct row_names;

enum row_type {
	ROW_INTEGER,  /* int64_t */
	ROW_DURATION, /* int64_t, milliseconds */
	ROW_SIZE,     /* int64_t, bytes */
	ROW_BOOL,     /* bool */
	ROW_STRING,   /* char *; "" is NULL */
	ROW_NAME,     /* int, one of a set of names */
	ROW_MODE,     /* mode_t */
	ROW_LIST,     /* struct text_list; one string is a list of one */
	ROW_RATE,     /* struct rate */
	ROW_OPTIONS,  /* struct option_values; the keys in it are a module's */
};

/* What a changed value needs to take effect. */
enum row_reload {
	RELOAD_LIVE,	 /* nothing: applied to what is there */
	RELOAD_WORKERS,	 /* a new generation of workers */
	RELOAD_LISTENER, /* a new socket, and new workers */
};

/*
 * What a row's text was looked up as. Two generations are compared by that: another name for the
 * same changes nothing, and the same name may have become another.
 */
enum row_meaning {
	MEANS_ITSELF,
	MEANS_ID,	/* a uid_t or gid_t, at `meant` */
	MEANS_USER,	/* the user of a service's identity ... */
	MEANS_GROUP,	/* ... and its groups; also what the program says for all services */
	MEANS_FILE,	/* what is in the file, a uint64_t at `meant`, besides its name */
	MEANS_NETWORKS, /* a struct networks *, at `meant`; NULL: nothing was said */
};

struct row {
	const char *path; /* "log.level"; for a service without "services.NAME." */
	enum row_type type;
	size_t offset;	    /* into struct main_values or struct service_values */
	const char *preset; /* the default as -o would write it; NULL: none */
	int64_t min, max;   /* of numbers, in the unit of the field */
	int64_t step;	    /* the value must be a multiple of it; 0: any */
	const char *zero;   /* what 0 and "unlimited" mean; NULL: 0 is a number like others */
	const struct row_names *names;
	enum row_meaning meaning;
	size_t meant; /* offset of what was looked up, into the same struct */
	enum row_reload reload;
	const char *help;
};

/* "string", "number, 1 to 100", ...: the values that a row takes, for people. */
void row_describe(const struct row *row, char *out, size_t size);
/* "1 to 100", "1s to 365d, or 0: no limit": of the types that have one. */
void row_range(const struct row *row, char *out, size_t size);
const char *row_reload_name(enum row_reload reload);

#endif
