/* SPDX-License-Identifier: MIT */
/*
 * Master. The programs of a plan (handler = "listen") are replaced before the plan is committed: a program cannot be
 * held back, and a failure of the second copy must have something to go back to. All services roll side by side
 * (pool/rolling.h), and if one fails, all go back.
 */
#ifndef PREFORKD_CHANGE_ROLLS_H
#define PREFORKD_CHANGE_ROLLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct fleet;
struct plan;
struct plan_item;

enum rolls_verdict {
	ROLLS_WAIT,
	ROLLS_PROVEN, /* the first copies have outlived their watch; rolls_go() may follow */
	ROLLS_DONE,
	ROLLS_FAILED,
	ROLLS_STUCK,
};

/* The service of ITEM may serve clients now. Programs are started only then, because they cannot be held back. */
bool rolls_may_serve(const struct plan_item *item, const struct fleet *fleet);

/* Starts the first copy of ITEM, whose fresh pool runs programs. New addresses listen from now on. -1 and *err. */
int rolls_begin(struct plan_item *item, const struct fleet *fleet, int64_t now_ms, struct err *err);

/* Steps all of them. *DUE_OUT: when to call again if nothing happens before. ROLLS_PROVEN and ROLLS_DONE: all are at
 * least so far. ROLLS_FAILED: REASONS (strings) are appended to. */
enum rolls_verdict rolls_step(struct plan *plan, const struct fleet *fleet, int64_t now_ms, int64_t *due_out,
			      json_t *reasons);

/* Old copies may be told to leave from now on. */
void rolls_go(struct plan *plan, int64_t now_ms);

/* All go back. True: some copy of before was told to leave, so that it takes a while. */
bool rolls_back(struct plan *plan, int64_t now_ms);

/* The same step by step. ROLLS_DONE: all is as it was before, except in services that do not serve any more.
 * ROLLS_STUCK: copies of before cannot be had again. */
enum rolls_verdict rolls_step_back(struct plan *plan, const struct fleet *fleet, int64_t now_ms, int64_t *due_out);

/* Ends the going back half way: the fresh copies serve on until those of before are there again. Writes "3 of 10
 * copies of web before ..., 7 new ones serve on", or "" if nothing is missing. */
void rolls_let_go(struct plan *plan, char *out, size_t size);

/* "web: 12 of 100 copies replaced; watching 10", for the first service that is not done; "" if there is none. */
void rolls_describe(const struct plan *plan, char *out, size_t size);

/* Appends a string for each service whose programs have proved nothing, because it was paused or drained meanwhile. */
void rolls_warn(const struct plan *plan, json_t *warnings);

#endif
