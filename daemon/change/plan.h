/* SPDX-License-Identifier: MIT */
/*
 * What a reload does to the pools: kept as they are, changed while they live, replaced, added, removed. Made and tried
 * as far as that can be done without anybody noticing; then committed, or dropped with everything as before.
 */
#ifndef PREFORKD_CHANGE_PLAN_H
#define PREFORKD_CHANGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/diff.h"
#include "pool/pool.h"

struct err;
struct fleet;
struct member;

struct plan_item { /* one service of the new generation */
	struct member *member;
	struct pool *old;   /* NULL: a new service */
	struct pool *fresh; /* takes its place; NULL: the old one is kept */
	enum config_change change;
	char keys[200]; /* what has changed, for people */
	/* The canary: the first worker of FRESH, which waits for the go. */
	int hold; /* -1: none */
	pid_t canary;
	bool proven;
	sd_event_source *hold_source;
};

struct plan {
	struct generation *generation; /* a reference */
	struct plan_item *items;
	size_t n;
	const char *occasion; /* "reload", "resize", "restart" */
};

/* For GENERATION, which it references, in place of the one in force. Binds what is new; nobody can connect yet. */
int plan_reload(struct plan *plan, struct fleet *fleet, struct generation *generation, struct err *err);

/* The same generation, but POOL is replaced, with LIMITS (NULL: those that it has) and a board that has room for them.
 * OCCASION, for the log, lives on. */
int plan_replace(struct plan *plan, struct fleet *fleet, struct pool *pool, const struct config_workers *limits,
		 const char *occasion, struct err *err);

/* Nothing is different. */
bool plan_is_empty(const struct plan *plan, const struct fleet *fleet);

/* Clients may connect to what is new. The last thing that can fail. */
int plan_listen(struct plan *plan, const struct fleet *fleet, struct err *err);

/* Puts it into force: fleet->pools are the new ones afterwards; replaced pools are superseded, and in
 * fleet->retiring. */
void plan_commit(struct plan *plan, struct fleet *fleet);

/* Those that were replaced or removed let go. */
void plan_retire(const struct plan *plan, struct fleet *fleet);

/* Drops what was not committed; the workers of fresh pools leave. */
void plan_drop(struct plan *plan, struct fleet *fleet);

/* Frees what the plan itself holds. */
void plan_clear(struct plan *plan);

/* "2 services changed, 1 added, 1 removed" */
void plan_describe(const struct plan *plan, const struct fleet *fleet, char *out, size_t size);

#endif
