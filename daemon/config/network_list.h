/* SPDX-License-Identifier: MIT */
/* Rules on their way into a set: where they were written, and the files that may have a hundred thousand of them. */
#ifndef PREFORKD_CONFIG_NETWORK_LIST_H
#define PREFORKD_CONFIG_NETWORK_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "net/networks.h"

struct arena;
struct checker;
struct value_source;

#define NETWORK_LIST_BYTES_MOST	 ((size_t)64 * 1024 * 1024) /* of a file */
#define NETWORK_LIST_LINES_MOST	 2000000
#define NETWORK_LIST_REPORT_MOST 20 /* wrong lines of a file, one by one; then how many more */

/* Two arrays side by side, malloc()ed. The entries' values are left to the caller. */
struct network_list {
	struct networks_entry *entries;
	struct access_rule *rules;
	size_t n, room;
};

void network_list_add(struct network_list *list, const struct network *network, const struct access_rule *rule);
void network_list_clear(struct network_list *list);

/*
 * Adds what is in FILE: a network a line, # begins a comment, lines may be empty or end with CR. NAMES as for
 * network_parse(). What is wrong is reported at its line, about the key of SOURCE; false if something was. The texts
 * live in ARENA, and FILE must live as long.
 */
bool network_list_read(const struct checker *checker, const struct value_source *source, const char *file, bool allow,
		       const struct network_names *names, struct arena *arena, struct network_list *list);

#endif
