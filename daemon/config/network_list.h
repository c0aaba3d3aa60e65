/* SPDX-License-Identifier: MIT */
/* Any process. Reads rules about networks, with their places, to be made into a set; a file may have 100,000 of them.
 */
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
#define NETWORK_LIST_REPORT_MOST 20 /* wrong lines of a file that are reported one by one; others are counted */

/* Two arrays of N elements, malloc()ed. The caller sets the values of the entries. */
struct network_list {
	struct networks_entry *entries;
	struct access_rule *rules;
	size_t n, room;
};

void network_list_add(struct network_list *list, const struct network *network, const struct access_rule *rule);
void network_list_clear(struct network_list *list);

/*
 * Adds the networks in FILE, one a line. # begins a comment; lines may be empty or end with CR. NAMES as for
 * network_parse(). Wrong lines are reported with the key of SOURCE; false: there was one. The texts live in ARENA; FILE
 * must live as long.
 */
bool network_list_read(const struct checker *checker, const struct value_source *source, const char *file, bool allow,
		       const struct network_names *names, struct arena *arena, struct network_list *list);

#endif
