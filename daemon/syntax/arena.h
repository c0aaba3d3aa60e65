/* SPDX-License-Identifier: MIT */
/*
 * Memory of one configuration: taken piece by piece, given back all at once. Every piece is an
 * allocation of its own, so that memory checkers see each bound. Out of memory ends the process:
 * at start nothing runs yet, and a reload parses in a child first.
 */
#ifndef PREFORKD_SYNTAX_ARENA_H
#define PREFORKD_SYNTAX_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);

/* SIZE bytes, all zero. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* realloc(3) for N elements of SIZE bytes outside of any arena, which never fails either. */
void *arena_resize(void *old, size_t n, size_t size);

/* MEMORY from elsewhere, for which the same holds: NULL ends the process. */
void *arena_check(void *memory);

#endif
