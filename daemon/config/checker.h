/* SPDX-License-Identifier: MIT */
/*
 * Any process. What all steps of a check share: the source, the values, and the list of problems. The steps change
 * values only to complete them.
 */
#ifndef PREFORKD_CONFIG_CHECKER_H
#define PREFORKD_CONFIG_CHECKER_H

#include <stdbool.h>

struct config_source;
struct config_store;
struct err;
struct problems;
struct service_values;
struct value_source;

struct checker {
	const struct config_source *source;
	struct config_store *store;
	struct problems *problems;
	bool root;	/* started as root: workers change to another user */
	bool said_user; /* the missing user was reported */
};

/* Reports a problem with the value that SOURCE describes, at its place; at the service's place if the value is a
 * preset. */
void checker_error(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void checker_warning(const struct checker *checker, const struct service_values *values,
		     const struct value_source *source, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Reports as an error what the host lacks, as *ERR of a look-up says. */
void checker_lacks(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const struct err *err);

/* The same for what an optional service waits for: it gets the obstacle, and there is only a warning, unless err->code
 * is 0: then no waiting helps. */
void checker_waits(const struct checker *checker, struct service_values *values, const struct value_source *source,
		   const struct err *err);

/* The same look-up may succeed later. It does not if there is no such name: that is mostly a mistake. */
bool checker_may_pass(const struct err *err);

/* Two values do not go together: returns the source of the one that was written closest to the service. */
const struct value_source *checker_nearer(const struct service_values *values, const char *a, const char *b);

#endif
