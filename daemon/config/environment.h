/* SPDX-License-Identifier: MIT */
/*
 * Any process. The environment of programs as it is configured: variables with a value (`program.environment`), and
 * those that are passed on from the daemon's own environment (`program.pass_environment`).
 */
#ifndef PREFORKD_CONFIG_ENVIRONMENT_H
#define PREFORKD_CONFIG_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_VARIABLES_MOST 200 /* of a program, besides those that the daemon sets itself */

struct arena;
struct err;
struct raw;

struct variable {
	char *name, *value;
};

/* Sorted by name, so that the order in the files makes no difference. */
struct variables {
	struct variable *list;
	size_t n;
};

/* -1 and *err: NAME is no name of a variable, or the daemon sets that variable itself. */
int environment_check_name(const char *name, struct err *err);

/* The same for RAW as the variable NAME: -1 and *err if the name or the value is wrong, or if the daemon sets the
 * variable itself.
 */
int environment_check(const struct raw *raw, const char *name, struct err *err);

/* Adds the N variables RAWS, whose names are the ends of their paths, to *OUT. A name that is there gets the new value;
 * raw values that were reported are left out. */
void environment_add(struct raw *const *raws, size_t n, struct arena *arena, struct variables *out);

bool environment_has(const struct variables *variables, const char *name);

#endif
