/* SPDX-License-Identifier: MIT */
/*
 * Any process. Memory of one configuration: allocated in pieces, freed as a whole. Each piece is an allocation of its
 * own, so that memory checkers see its bounds. Out of memory ends the process: at start nothing runs yet, and a reload
 * parses in a child first.
 */
#ifndef PREFORKD_BASE_ARENA_H
#define PREFORKD_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* NULL is allowed; *arena becomes NULL. */
void arena_free(struct arena **arena);

/* SIZE bytes, all zero; never NULL. They live as long as ARENA. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* reallocarray(3) for memory outside of any arena, which the caller frees; never NULL. */
void *arena_resize(void *old, size_t n, size_t size);

/* Returns MEMORY, which somebody else allocated; NULL ends the process. */
void *arena_check(void *memory);

#endif
