/* SPDX-License-Identifier: MIT */
/*
 * Master. How a plan comes into force, for a reload, a restart and a resize alike: its canaries prove themselves; it
 * is committed; the new workers start; the old ones are told to leave; and when none of them can take a client any
 * more, there is the verdict. A failure before the commit leaves all as it was.
 *
 *	proving -> (commit) -> swapping -> retiring -> verdict
 */
#ifndef PREFORKD_CHANGE_ROLLOUT_H
#define PREFORKD_CHANGE_ROLLOUT_H

#include <jansson.h>

#include "change/operation.h"
#include "change/plan.h"

enum rollout_state { ROLLOUT_PLANNING, ROLLOUT_PROVING, ROLLOUT_SWAPPING, ROLLOUT_RETIRING };

struct rollout {
	struct operation op;
	enum rollout_state state;
	struct plan plan;
	json_t *warnings; /* of the verdict, when it is a success */
	json_t *limits;	  /* more of them, about the host; NULL: not looked at */
	int64_t since_ms; /* of the state */
	char summary[128];
};

/* The plan is made: starts its canaries. */
void rollout_begin(struct rollout *r);

/* The parts of an operation_kind. */
int64_t rollout_step(struct operation *op, int64_t now);
void rollout_end(struct operation *op, const char *why);
bool rollout_is_committed(const struct operation *op);
void rollout_clear(struct operation *op);

/* Everything as before. REASONS is taken over. */
void rollout_reject(struct rollout *r, json_t *reasons);
void rollout_reject_text(struct rollout *r, const char *text);

#endif
