/* SPDX-License-Identifier: MIT */
/* Any process. Whether the user of a service can go the way to a path of its configuration. */
#ifndef PREFORKD_CONFIG_WAY_CHECK_H
#define PREFORKD_CONFIG_WAY_CHECK_H

struct checker;
struct service_values;
struct value_source;

/* Reports, at SOURCE, a folder on the way to PATH, or the mode of PATH, that keeps the user of the service from running
 * the program, or entering the folder, PATH. */
void way_check(const struct checker *checker, const struct service_values *values, const struct value_source *source,
	       const char *path);

#endif
