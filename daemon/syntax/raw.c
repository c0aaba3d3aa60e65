/* SPDX-License-Identifier: MIT */
#include "syntax/raw.h"

#include <stdlib.h>

#include "base/arena.h"

struct raw *raw_add(struct raws *raws, struct arena *arena, const char *path)
{
	struct raw *raw = arena_alloc(arena, sizeof(*raw));

	raws->list = arena_resize(raws->list, raws->n + 1, sizeof(*raws->list));
	raws->list[raws->n++] = raw;
	raw->path = path;
	return raw;
}

void raw_clear(struct raws *raws)
{
	free(raws->list);
	*raws = (struct raws){.list = NULL};
}
