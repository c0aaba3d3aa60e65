/* SPDX-License-Identifier: MIT */
/*
 * What happens to the values once all of them are known. Three steps, each over all services:
 * lookup (names into what they stand for), conflict (addresses against each other), check (values
 * against each other); and all of them in one for the control socket, which is the program's.
 * They change values only to complete them.
 */
#ifndef PREFORKD_CONFIG_CHECK_H
#define PREFORKD_CONFIG_CHECK_H

#include <stdbool.h>

struct config_source;
struct config_store;
struct problems;
struct service_values;
struct value_source;

struct checker {
	const struct config_source *source;
	struct config_store *store;
	struct problems *problems;
	bool root;	/* started as root: workers become somebody else */
	bool said_user; /* that a user is missing was reported */
};

void lookup_module(struct checker *checker, struct service_values *values);
/* Calls their init() (module.h); false: one refused, which is reported. */
bool lookup_begin_modules(struct checker *checker, bool rehearse);
void lookup_service(struct checker *checker, struct service_values *values);
void lookup_upstreams(struct checker *checker, struct service_values *values); /* a part of it */
void conflict_check(struct checker *checker);
void control_check(struct checker *checker);
void check_service(struct checker *checker, struct service_values *values);
/* Of who gets in: the lists of networks, which the first lays; both are called by the two above. */
void access_lookup(struct checker *checker, struct service_values *values);
void access_check(const struct checker *checker, const struct service_values *values);

/* Of programs that accept by themselves: what they need, and what is of no use for them. */
void program_check(const struct checker *checker, struct service_values *values);

/* Reports something about the value that SOURCE tells the place of; of a preset: about the service.
 */
void check_error(const struct checker *checker, const struct service_values *values, const struct value_source *source,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void check_warning(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Of two values that do not go together, the one that was written where it counts most. */
const struct value_source *check_nearer(const struct service_values *values, const char *a, const char *b);

#endif
