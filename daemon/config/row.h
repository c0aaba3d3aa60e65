/* SPDX-License-Identifier: MIT */
/*
 * Any process. A row of the table of keys (rows.h), which describes one key.
 */
#ifndef PREFORKD_CONFIG_ROW_H
#define PREFORKD_CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_names;

enum row_type {
	ROW_INTEGER,   /* int64_t */
	ROW_DECIMAL,   /* int64_t, hundredths */
	ROW_DURATION,  /* int64_t, milliseconds */
	ROW_SIZE,      /* int64_t, bytes */
	ROW_BOOL,      /* bool */
	ROW_STRING,    /* char *; "" is NULL */
	ROW_NAME,      /* int, one of a set of names */
	ROW_MODE,      /* mode_t */
	ROW_LIST,      /* struct text_list; one string is a list of one */
	ROW_NUMBERS,   /* struct text_list of decimal numbers; one number is a list of one */
	ROW_RATE,      /* struct rate */
	ROW_OPTIONS,   /* struct option_values; the module owns the keys in it */
	ROW_VARIABLES, /* struct variables; a group whose keys are names of variables */
};

/* The steps that a changed value needs at a reload. */
enum row_reload {
	RELOAD_LIVE,	 /* nothing: it applies to the workers and sockets that exist */
	RELOAD_WORKERS,	 /* a new generation of workers */
	RELOAD_LISTENER, /* a new socket, and new workers */
};

/*
 * The result of looking up the text of a row. Two generations are compared by the result: two names may stand for the
 * same user, and one name may stand for another user than before.
 */
enum row_meaning {
	MEANS_ITSELF,
	MEANS_ID,	/* a uid_t or gid_t, at `meant` */
	MEANS_USER,	/* the user of the service's identity, also when the program's key gives it */
	MEANS_GROUP,	/* the groups of the service's identity, in the same way */
	MEANS_GROUPS,	/* the supplementary groups of the service\'s identity */
	MEANS_FILE,	/* a file: its name, and a mark of its contents, a uint64_t at `meant` */
	MEANS_NETWORKS, /* a struct networks *, at `meant`; NULL: there is no list */
};

struct row {
	const char *path; /* "log.level"; the key of a service is without "services.NAME." */
	enum row_type type;
	size_t offset;	    /* into struct main_values or struct service_values */
	const char *preset; /* the default as -o would write it; NULL: none */
	int64_t min, max;   /* of numbers, in the unit of the field */
	int64_t step;	    /* the value must be a multiple of it; 0: any */
	const char *zero;   /* the meaning of 0 and "unlimited"; NULL: 0 is a number like others */
	const char *
		empty; /* of numbers and modes: the meaning of "", which is CONFIG_UNSET; NULL: there must be a value */
	bool unlimited; /* "unlimited" is CONFIG_UNLIMITED */
	const struct row_names *names;
	bool distinct; /* of lists: one that is not written differs from an empty one, and has no items (NULL) */
	enum row_meaning meaning;
	size_t meant; /* offset of the result of the look-up, into the same struct */
	enum row_reload reload;
	const char *help;
};

/* The values that a row takes, for people: "string", "number, 1 to 100", ... */
void row_describe(const struct row *row, char *out, size_t size);
/* The range of a row, for people: "1 to 100", "1s to 365d, or 0: no limit". */
void row_range(const struct row *row, char *out, size_t size);
const char *row_reload_name(enum row_reload reload);

#endif
