/* SPDX-License-Identifier: MIT */
#include "fleet/member.h"

#include <stdlib.h>
#include <string.h>

#include "fleet/waiting.h"
#include "pool/pool.h"

struct member *member_find(struct member *table, const char *name)
{
	struct member *member;

	HASH_FIND_STR(table, name, member);
	return member;
}

struct member *member_get(struct member **table, const char *name)
{
	struct member *member = member_find(*table, name);

	if (member != NULL)
		return member;
	member = calloc(1, sizeof(*member));
	if (member == NULL)
		return NULL;
	member->name = strdup(name);
	if (member->name == NULL) {
		free(member);
		return NULL;
	}
	member->refs = 1;
	HASH_ADD_KEYPTR(hh, *table, member->name, strlen(member->name), member);
	if (member->hh.tbl == NULL)
		member_unref(&member);
	return member;
}

struct member *member_ref(struct member *member)
{
	if (member != NULL)
		member->refs++;
	return member;
}

void member_unref(struct member **member)
{
	struct member *m = *member;

	*member = NULL;
	if (m == NULL || --m->refs > 0)
		return;
	waiting_free(&m->waiting);
	free(m->name);
	free(m);
}

void member_remove(struct member **table, struct member *member)
{
	HASH_DEL(*table, member);
	member->now = NULL;
	waiting_free(&member->waiting);
	member_unref(&member);
}

void member_replace(struct member *member, struct pool *pool)
{
	if (member->now != NULL)
		pool->proved = pool->proved || member->now->proved;
	pool->paused = member->paused;
	member->now = pool;
}

const char *member_waits_for(const struct member *member)
{
	const struct pool *pool = member->now;

	if (pool == NULL)
		return member->waiting != NULL ? member->waiting->why : NULL;
	return pool->service->optional && pool->failed_start && !pool->proved ? WAITING_FOR_WORKERS : NULL;
}
