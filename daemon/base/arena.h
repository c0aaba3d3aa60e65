/* SPDX-License-Identifier: MIT */
/*
 * Any process. Memory of one configuration: allocated in pieces, freed as a whole. Each piece is an allocation of its
 * own, so that memory checkers see its bounds; or all pieces lie one after the other in memory of the caller. Out of
 * memory ends the process: at start nothing runs yet, and a reload reads the configuration in a child.
 */
#ifndef PREFORKD_BASE_ARENA_H
#define PREFORKD_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);

/* For a process that must go on: NULL if there is no memory. The functions below then return NULL, too, if there is no
 * memory. */
struct arena *arena_try_new(void);

/* An arena in the SIZE bytes at MEMORY, which are aligned as by malloc(3), and all zero. They are all that it has. */
struct arena *arena_lay(void *memory, size_t size);

/* The bytes of MEMORY that an arena of arena_lay() has taken so far. */
size_t arena_used(const struct arena *arena);

/* NULL is allowed; *arena becomes NULL. Memory of arena_lay() stays the caller's. */
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
