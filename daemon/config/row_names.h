/* SPDX-License-Identifier: MIT */
/* Any process. The sets of names that keys can have as values, and the numbers that they stand for. */
#ifndef PREFORKD_CONFIG_ROW_NAMES_H
#define PREFORKD_CONFIG_ROW_NAMES_H

#include <stddef.h>

#define ROW_NAMES_SIZE 128 /* bytes that are enough for row_names_list() */

struct row_names;

extern const struct row_names row_names_targets, row_names_facilities, row_names_levels; /* base/log.h */
extern const struct row_names row_names_connections, row_names_reads, row_names_on_full, row_names_refusals;
extern const struct row_names row_names_signals, row_names_on_hangup, row_names_on_cut, row_names_balances,
	row_names_send_proxy, row_names_sandbox_levels;

/* The number that NAME stands for; -1: NAME is not in the set. */
int row_names_value(const struct row_names *names, const char *name);

/* The name of VALUE; NULL: there is none. */
const char *row_names_text(const struct row_names *names, int value);

/* All names, for people: "auto, syslog, journal, stderr". */
void row_names_list(const struct row_names *names, char *out, size_t size);

#endif
