/* SPDX-License-Identifier: MIT */
/*
 * Master. The programs of a pool (handler = "listen") are replaced by those of a fresh one, step by step, and backwards
 * if the fresh ones fail. The invariant: no copy is told to leave before as many fresh copies have outlived the watch,
 * which lasts timeouts.prove from the moment when a copy was ready. Pure mechanism: who calls it decides what to do
 * about a failure. All numbers are for each address.
 *
 *	first -> grow -> watch -> proven -> (rolling_go()) -> give way -> grow -> watch -> give way ... -> done
 *	any of these -> failed -> (rolling_back()) -> back -> restored, or stuck
 */
#ifndef PREFORKD_POOL_ROLLING_H
#define PREFORKD_POOL_ROLLING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

enum rolling_state {
	ROLLING_NONE,	  /* the item replaces no programs */
	ROLLING_FIRST,	  /* the first copy starts, at the first address */
	ROLLING_GROW,	  /* more copies start */
	ROLLING_WATCH,	  /* copies that are ready must outlive the watch */
	ROLLING_PROVEN,	  /* the first copies have outlived it; no copy of before was told anything */
	ROLLING_DONE,	  /* all fresh copies have outlived it */
	ROLLING_FAILED,	  /* a fresh copy has ended; no further copy of before is told to leave */
	ROLLING_BACK,	  /* copies of before start again, and as many fresh ones leave */
	ROLLING_RESTORED, /* all is as it was */
	ROLLING_STUCK,	  /* copies of before cannot be had again */
};

struct rolling {
	enum rolling_state state;
	struct pool *fresh;
	struct pool *old; /* NULL: there are no programs to replace */
	int64_t n, m;	  /* fresh copies that there shall be; copies of before that there were */
	int64_t step;	  /* copies that are replaced at a time */
	int64_t target, old_target;
	int64_t since_ms;   /* when `state` began, or its batch began anew */
	unsigned n_lost;    /* of fresh->n_lost: how many have been dealt with */
	bool was_rolling;   /* `old` had a target before */
	bool has_retried;   /* this batch has begun anew once, after a copy of it had ended */
	bool has_given_way; /* a copy of before was told to leave */
	bool is_unproven;   /* rolling_abandon() */
	bool is_late;	    /* it failed because a copy was not ready, or could not be started, in time */
};

/* FRESH shall take the place of OLD (may be NULL, or a pool of workers, which then serves on until the caller ends it).
 * Starts the first copy. -1: it could not be started. */
int rolling_begin(struct rolling *r, struct pool *fresh, struct pool *old, int64_t now_ms);

/* Does what can be done now, and returns the new state. */
enum rolling_state rolling_step(struct rolling *r, int64_t now_ms);

/* When rolling_step() must be called again if nothing happens before (ms of the clock). */
int64_t rolling_due(const struct rolling *r, int64_t now_ms);

/* From ROLLING_PROVEN: copies of before may be told to leave from now on. */
void rolling_go(struct rolling *r, int64_t now_ms);

/* In every state: fresh copies that end are not started again, copies of before are. ROLLING_RESTORED at once if none
 * was told to leave. */
void rolling_back(struct rolling *r, int64_t now_ms);

/* The service does not serve any more (paused, drained): fresh copies leave, those of before need no target, and
 * nothing is proved. The state is ROLLING_DONE. */
void rolling_abandon(struct rolling *r);

/* From ROLLING_BACK or ROLLING_STUCK: goes on without a rolling. The old pool starts what it lacks with growing
 * pauses, and the fresh one, which serves on, yields (pool->yields). */
void rolling_let_go(struct rolling *r);

/* The same at an upgrade, where the old pool can start nothing: those that are there stay (pool->stays), and fresh
 * copies take the places of those that end. */
void rolling_stop(struct rolling *r);

/* Appends to REASONS why it has failed. */
void rolling_tell(const struct rolling *r, json_t *reasons);

/* "12 of 100 copies replaced; watching 10" */
void rolling_describe(const struct rolling *r, char *out, size_t size);

/* Copies of before that are ready, of how many, and fresh ones that are ready; of all addresses. */
void rolling_count(const struct rolling *r, int64_t *old_out, int64_t *of_out, int64_t *fresh_out);

#endif
