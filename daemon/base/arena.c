/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct block {
	struct block *next;
	max_align_t data[];
};

struct arena {
	struct block *blocks;
	bool may_fail;
	char *next, *end; /* the rest of the memory that the arena was laid into; NULL: it has none */
};

void *arena_check(void *memory)
{
	if (memory == NULL) {
		(void)fputs("out of memory while the configuration was read\n", stderr);
		_Exit(EX_OSERR);
	}
	return memory;
}

struct arena *arena_new(void)
{
	return arena_check(calloc(1, sizeof(struct arena)));
}

struct arena *arena_try_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->may_fail = true;
	return arena;
}

struct arena *arena_lay(void *memory, size_t size)
{
	struct arena *arena = arena_check(size > sizeof(*arena) ? memory : NULL);

	arena->next = (char *)memory + sizeof(*arena);
	arena->end = (char *)memory + size;
	return arena;
}

size_t arena_used(const struct arena *arena)
{
	return (size_t)(arena->next - (const char *)arena);
}

void arena_free(struct arena **arena)
{
	struct arena *a = *arena;
	struct block *block, *next;

	*arena = NULL;
	if (a == NULL || a->next != NULL)
		return;
	for (block = a->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(a);
}

static void *take_rest(struct arena *arena, size_t size)
{
	size_t room = (size_t)(arena->end - arena->next), skip = -(uintptr_t)arena->next % _Alignof(max_align_t);
	char *memory = arena->next + skip;

	if (skip > room || size > room - skip)
		return NULL;
	arena->next = memory + size;
	return memory;
}

static void *take_block(struct arena *arena, size_t size)
{
	struct block *block = size <= SIZE_MAX - sizeof(*block) ? calloc(1, sizeof(*block) + size) : NULL;

	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *memory = arena->next != NULL ? take_rest(arena, size) : take_block(arena, size);

	return arena->may_fail ? memory : arena_check(memory);
}

char *arena_strdup(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(arena, size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	char *text, *copy;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return arena->may_fail ? NULL : arena_check(NULL);
	copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

void *arena_resize(void *old, size_t n, size_t size)
{
	return arena_check(reallocarray(old, n > 0 ? n : 1, size));
}
