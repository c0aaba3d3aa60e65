/* SPDX-License-Identifier: MIT */
/* Any process. Finds the name that stands twice in one group, which libconfig refuses without naming it. */
#ifndef PREFORKD_SYNTAX_DUPLICATE_H
#define PREFORKD_SYNTAX_DUPLICATE_H

#include <stdbool.h>

#define DUPLICATE_PATH_SIZE 320

struct duplicate {
	char path[DUPLICATE_PATH_SIZE]; /* "services.git.user" */
	unsigned first, second;		/* the lines of the text, from 1 */
};

/* Searches TEXT, which the scanner made, for a name in line LINE that its group has already. False: there is none. */
bool duplicate_find(const char *text, unsigned line, struct duplicate *out);

#endif
