/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
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

void arena_free(struct arena **arena)
{
	struct block *block, *next;

	if (*arena == NULL)
		return;
	for (block = (*arena)->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(*arena);
	*arena = NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block;

	block = arena_check(size > SIZE_MAX - sizeof(*block) ? NULL : calloc(1, sizeof(*block) + size));
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(arena_alloc(arena, size), text, size);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	char *text, *copy;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	(void)arena_check(n < 0 ? NULL : text);
	copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

void *arena_resize(void *old, size_t n, size_t size)
{
	return arena_check(reallocarray(old, n > 0 ? n : 1, size));
}
