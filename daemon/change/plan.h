/* SPDX-License-Identifier: MIT */
/*
 * Master. A plan says what a change does to each pool of the fleet: it is kept as it is, changed while it lives,
 * replaced, added or removed. A plan is made and tried as far as no client can notice that. Then it is committed, or
 * dropped and all goes on as before.
 */
#ifndef PREFORKD_CHANGE_PLAN_H
#define PREFORKD_CHANGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/diff.h"
#include "pool/pool.h"
#include "pool/rolling.h"

struct err;
struct fleet;
struct member;

struct plan_item { /* one service of the new generation */
	struct member *member;
	struct pool *old;   /* NULL: a new service, or one that waits */
	struct pool *fresh; /* replaces the old one; NULL: the old one is kept */
	bool added;	    /* a new service */
	bool waits;	    /* optional, and its new form cannot be had: the old one serves on until it can */
	enum config_change change;
	char keys[200];		   /* what has changed, for people */
	int hold;		   /* the master's end of the canary's proof (worker/proof.h); -1: none */
	pid_t canary;		   /* the first worker of `fresh` (canary.h); 0: none was started */
	bool proven;		   /* it has proved itself, or no proof is needed */
	bool again;		   /* it died while the programs of other services were watched, and was started anew */
	int64_t crashed_before_ms; /* when a worker of the old pool last crashed before the commit; 0: never */
	struct rolling rolling;	   /* of `fresh`, if it runs programs (rolls.h) */
	sd_event_source *hold_source;
};

struct plan {
	struct generation *generation; /* a reference */
	struct plan_item *items;       /* one for each service of `generation`, in its order */
	struct pool **pools;	       /* memory for as many, which the commit fills: nothing may fail there */
	size_t n;
	const char *occasion; /* "reload", "resize", "restart": a literal, for the log */
};

/*
 * Plans the change to GENERATION, of which it takes a reference. New addresses are bound, and no client can connect to
 * them yet. -1 and *err; in any case plan_drop() or plan_commit() must follow, and then plan_clear().
 */
int plan_reload(struct plan *plan, struct fleet *fleet, struct generation *generation, struct err *err);

/* Plans to replace POOL alone, in the same generation, by a pool with LIMITS (NULL: those that POOL has) and a board
 * that has room for them. OCCASION must be a literal. Otherwise as plan_reload(). */
int plan_replace(struct plan *plan, struct fleet *fleet, struct pool *pool, const struct config_workers *limits,
		 const char *occasion, struct err *err);

/* The plan changes nothing. */
bool plan_is_empty(const struct plan *plan, const struct fleet *fleet);

/* Lets clients connect to new addresses; in a drained fleet they are refused. This is the last step that can fail: -1
 * and *err. */
int plan_listen(struct plan *plan, const struct fleet *fleet, struct err *err);

/* Puts the plan into force: afterwards fleet->pools are the new pools. Pools that were replaced are superseded and
 * serve on, in fleet->retiring; pools that were removed end. */
void plan_commit(struct plan *plan, struct fleet *fleet);

/* Ends the pools that were replaced. May block for some milliseconds (retiring_settle()), and may free pools. */
void plan_retire(const struct plan *plan, struct fleet *fleet);

/* Drops a plan that was not committed: its fresh pools end, or yield (fleet/leftover.h), and the new addresses are
 * closed. */
void plan_drop(struct plan *plan, struct fleet *fleet);

/* Frees the plan itself; no pool. */
void plan_clear(struct plan *plan);

/* "2 services changed, 1 added, 1 removed" */
void plan_describe(const struct plan *plan, const struct fleet *fleet, char *out, size_t size);

#endif
