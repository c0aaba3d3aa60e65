/* SPDX-License-Identifier: MIT */
/*
 * Master. How a plan comes into force, for a reload, a restart and a resize: the canaries prove themselves; programs
 * are replaced (rolls.h); the plan is committed; the new workers start; the old ones are retired; when none of these
 * can take a client any more, and the new ones were watched, the operation has its verdict. A failure before the commit
 * leaves all as it was, or brings it back.
 *
 *	proving -> rolling -> (commit) -> swapping -> retiring -> watching -> verdict
 *	           rolling -> backing -> verdict
 */
#ifndef PREFORKD_CHANGE_ROLLOUT_H
#define PREFORKD_CHANGE_ROLLOUT_H

#include <jansson.h>

#include "change/operation.h"
#include "change/plan.h"

enum rollout_state {
	ROLLOUT_PLANNING,
	ROLLOUT_PROVING,
	ROLLOUT_ROLLING,
	ROLLOUT_BACKING,
	ROLLOUT_SWAPPING, /* from here on the plan is in force */
	ROLLOUT_RETIRING,
	ROLLOUT_WATCHING,
};

struct rollout {
	struct operation op;
	enum rollout_state state;
	struct plan plan;
	json_t *warnings;  /* strings: reasons of a verdict of success; NULL: none */
	json_t *limits;	   /* strings: more of them, about limits of the host; NULL: not compared */
	json_t *failures;  /* strings: why it goes back, or what fails though it is in force; NULL: nothing */
	int64_t since_ms;  /* when `state` began; ms of the clock */
	char summary[128]; /* plan_describe(), for the verdict */
};

/* Goes on with r->plan, which the caller has made: starts its canaries. */
void rollout_begin(struct rollout *r);

/* Functions of an operation_kind whose struct begins with a struct rollout. */
int64_t rollout_step(struct operation *op, int64_t now);
void rollout_end(struct operation *op, const char *why);
bool rollout_is_committed(const struct operation *op);
void rollout_clear(struct operation *op);

/* Drops the plan, and finishes the operation as rejected. REASONS (strings) is taken over. */
void rollout_reject(struct rollout *r, json_t *reasons);
void rollout_reject_text(struct rollout *r, const char *text);

#endif
