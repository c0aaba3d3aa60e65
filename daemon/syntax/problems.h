/* SPDX-License-Identifier: MIT */
/*
 * Any process. The list of errors and warnings about a configuration. The list owns its texts, so it can outlive the
 * configuration.
 */
#ifndef PREFORKD_SYNTAX_PROBLEMS_H
#define PREFORKD_SYNTAX_PROBLEMS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct origin;
struct problems;

struct problem {
	int level;	  /* LOG_ERR or LOG_WARNING of syslog.h */
	const char *text; /* "FILE:LINE: services.git.workers.max: ..."; unprintable bytes are escaped */
	bool may_pass;	  /* an error of the host's state, not of the configuration: another try may succeed */
};

struct problems *problems_new(void);
/* The same in a process that must go on without memory: NULL, or problems are lost that find none. */
struct problems *problems_try_new(void);

/* A list that is a part of ARENA. NULL: ARENA is one of arena_try_new(), and there is no memory. With such an arena a
 * problem for which there is no memory is not added. */
struct problems *problems_in(struct arena *arena);

/* NULL is allowed; *problems becomes NULL. Leaves the arena of problems_in() alone. */
void problems_free(struct problems **problems);

/* Tells that FILE is read next. Problems are sorted by the order of these calls. */
void problems_file(struct problems *problems, const char *file);

/* The file number I of those; NULL: there are no more. */
const char *problems_file_get(const struct problems *problems, size_t i);

/*
 * Adds one problem of LEVEL, found at WHERE (NULL: at no place; line 0: in the file as a whole) about KEY (NULL: none).
 * A text that is in the list already is not added again. problems_vadd() returns the problem, which is valid until the
 * next one is added; with an arena of arena_try_new() it may be one that is in no list.
 */
void problems_add(struct problems *problems, int level, const struct origin *where, const char *key, const char *fmt,
		  ...) __attribute__((format(printf, 5, 6)));
struct problem *problems_vadd(struct problems *problems, int level, const struct origin *where, const char *key,
			      const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

bool problems_have_error(const struct problems *problems);

/* There are errors, and each of them may pass. */
bool problems_may_pass(const struct problems *problems);

/* Sorts by file, then by line; problems without a place in a file come last. */
void problems_sort(struct problems *problems);

size_t problems_count(const struct problems *problems);
/* NULL if there is no problem number I. */
const struct problem *problems_get(const struct problems *problems, size_t i);

#endif
