/* SPDX-License-Identifier: MIT */
/* How the parts of the configuration report what they find; load.h is the reader's side. */
#ifndef PREFORKD_SYNTAX_PROBLEMS_H
#define PREFORKD_SYNTAX_PROBLEMS_H

#include <stdbool.h>

struct origin;
struct problems;

struct problems *problems_new(void);

/* Says that FILE is read next: the problems are sorted in the order of these calls. */
void problems_file(struct problems *problems, const char *file);

/*
 * One problem of LEVEL, found at WHERE (NULL: at no place; line 0: at the file as a whole) about
 * KEY (NULL: none). The same line is never reported twice.
 */
void problems_add(struct problems *problems, int level, const struct origin *where, const char *key, const char *fmt,
		  ...) __attribute__((format(printf, 5, 6)));

bool problems_have_error(const struct problems *problems);

/* By file, then by line; what has no place in a file comes last. */
void problems_sort(struct problems *problems);

#endif
