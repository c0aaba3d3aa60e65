/* SPDX-License-Identifier: MIT */
#include "pool/rolling.h"

#include <stdio.h>
#include <utlist.h>

#include "base/json_text.h"
#include "config/config.h"
#include "pool/copies.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/program_end.h"

#define PATIENCE_MS 10000 /* in addition to timeouts.start: for pauses after failed starts */
#define START_MS    60000 /* in place of timeouts.start where that is unlimited */
#define REAP_MS	    1000  /* a copy that was killed when the time was over has ended by then, and tells why */
#define PROVE_MOST  30000 /* a copy that needed long to get ready is watched as long, but no longer than this */
#define STEP_MS	    20	  /* while copies start */
#define LOOK_MS	    500	  /* programs are looked at this often in any case (their watchdog) */

static void enter_state(struct rolling *r, enum rolling_state state, int64_t now)
{
	r->state = state;
	r->since_ms = now;
}

static int64_t start_limit(const struct pool *pool)
{
	return pool->service->timeouts.start != 0 ? pool->service->timeouts.start : START_MS;
}

static void set_targets(struct pool *pool, int64_t target)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		pool->lane_memory[i].copies = target;
}

/* Sets the target of OLD at the addresses that FRESH has, too. At the others its copies stay until the end. */
static void set_old_target(struct rolling *r, int64_t target)
{
	r->old_target = target;
	for (size_t i = 0; i < r->old->n_lanes; i++)
		if (copies_find_lane(r->fresh, r->old, i) >= 0)
			r->old->lane_memory[i].copies = target;
}

/* Beside a leftover (fleet/leftover.h) the old pool had a target before, and keeps it. */
static void release_old(struct rolling *r)
{
	if (r->was_rolling)
		set_old_target(r, r->m);
	else
		copies_end(r->old);
}

int rolling_begin(struct rolling *r, struct pool *fresh, struct pool *old, int64_t now_ms)
{
	int64_t step = fresh->service->workers.max_unavailable;

	*r = (struct rolling){
		.fresh = fresh,
		.old = old != NULL && old->service->program.runs ? old : NULL,
		.n = pool_copies(fresh),
		.target = 1,
		.n_lost = fresh->n_lost,
	};
	r->step = step > 0 ? step : r->n >= 10 ? r->n / 10 : 1;
	copies_begin(fresh);
	set_targets(fresh, 0);
	fresh->lane_memory[0].copies = 1;
	if (r->old != NULL) {
		r->was_rolling = r->old->is_rolling;
		r->m = r->was_rolling ? r->old->lane_memory[0].copies : pool_copies(r->old);
		copies_begin(r->old);
		set_old_target(r, r->m);
	} else {
		r->step = r->n; /* nothing is replaced: the others start together */
	}
	enter_state(r, ROLLING_FIRST, now_ms);
	copies_fill(fresh, now_ms);
	return fresh->procs != NULL || !copies_are_due(fresh, 0) ? 0 : -1;
}

/* ---- what is there ---- */

/* In each lane that takes clients as many copies are ready as there should be. */
static bool is_filled(const struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (copies_are_due(pool, i) && copies_count(pool, i).ready < pool->lane_memory[i].copies)
			return false;
	return true;
}

/* When PROC, which is ready, has outlived its watch. */
static int64_t find_outlived_ms(const struct proc *proc)
{
	int64_t prove = proc->pool->service->timeouts.prove, needed = proc->ready_ms - proc->started_ms;

	if (prove == 0)
		return proc->ready_ms;
	if (needed > PROVE_MOST)
		needed = PROVE_MOST;
	return proc->ready_ms + (needed > prove ? needed : prove);
}

/* When the last copy that is watched has outlived its watch; 0: none is watched. */
static int64_t find_watch_end(const struct pool *pool)
{
	const struct proc *proc;
	int64_t end = 0;

	DL_FOREACH (pool->procs, proc)
		if (!proc->outlived && !proc->leaving && proc->ready && find_outlived_ms(proc) > end)
			end = find_outlived_ms(proc);
	return end;
}

static void mark_outlived(struct rolling *r)
{
	struct proc *proc;

	DL_FOREACH (r->fresh->procs, proc)
		proc->outlived = proc->outlived || (proc->ready && !proc->leaving);
	for (size_t i = 0; i < r->fresh->n_lanes; i++)
		r->fresh->lane_memory[i].proven = r->fresh->lane_memory[i].copies;
}

/* ---- forwards ---- */

/* Starts the next copies. */
static void grow(struct rolling *r, int64_t target, int64_t now)
{
	r->target = target < r->n ? target : r->n;
	r->has_retried = false;
	set_targets(r->fresh, r->target);
	copies_fill(r->fresh, now);
	enter_state(r, ROLLING_GROW, now);
}

/* As many copies of before leave as fresh ones have outlived their watch. */
static void give_way(struct rolling *r, int64_t now)
{
	int64_t keep = r->n - r->target < r->m ? r->n - r->target : r->m;

	if (r->old != NULL && keep < r->old_target) {
		set_old_target(r, keep);
		for (size_t i = 0; i < r->old->n_lanes; i++)
			if (copies_find_lane(r->fresh, r->old, i) >= 0 && copies_reduce(r->old, i, keep) > 0)
				r->has_given_way = true;
	}
	if (r->target >= r->n)
		enter_state(r, ROLLING_DONE, now);
	else
		grow(r, r->target + r->step, now);
}

void rolling_go(struct rolling *r, int64_t now_ms)
{
	if (r->state == ROLLING_PROVEN)
		give_way(r, now_ms);
}

/*
 * A fresh copy has ended before it had outlived its watch. The batch begins anew once: a client that crashes any
 * version of the program would otherwise stop every order that replaces it. Before any copy of before was told to
 * leave there is nothing to lose by giving up.
 */
static void lose_copy(struct rolling *r, int64_t now)
{
	r->n_lost = r->fresh->n_lost;
	if (!r->has_given_way || r->has_retried) {
		enter_state(r, ROLLING_FAILED, now);
		return;
	}
	r->has_retried = true;
	enter_state(r, ROLLING_GROW, now);
}

static void check_time(struct rolling *r, int64_t limit, int64_t now)
{
	if (now - r->since_ms < limit)
		return;
	r->is_late = true;
	enter_state(r, ROLLING_FAILED, now);
}

static void step_forwards(struct rolling *r, int64_t now)
{
	if (r->fresh->n_lost != r->n_lost)
		lose_copy(r, now);
	if (r->state == ROLLING_FIRST) {
		if (is_filled(r->fresh))
			grow(r, 1, now); /* one at the other addresses */
		else
			check_time(r, start_limit(r->fresh) + REAP_MS, now);
	}
	if (r->state == ROLLING_GROW) {
		if (is_filled(r->fresh))
			enter_state(r, ROLLING_WATCH, now);
		else
			check_time(r, start_limit(r->fresh) + PATIENCE_MS, now);
	}
	if (r->state != ROLLING_WATCH || now < find_watch_end(r->fresh))
		return;
	mark_outlived(r);
	if (!r->has_given_way && r->target == 1)
		enter_state(r, ROLLING_PROVEN, now);
	else
		give_way(r, now);
}

/* ---- backwards ---- */

void rolling_back(struct rolling *r, int64_t now_ms)
{
	if (r->state >= ROLLING_BACK)
		return;		  /* it goes back, or has gone back */
	set_targets(r->fresh, 0); /* those that are there stay until copies of before are ready */
	if (!r->has_given_way) {
		enter_state(r, ROLLING_RESTORED, now_ms);
		if (r->old != NULL)
			release_old(r);
		return;
	}
	enter_state(r, ROLLING_BACK, now_ms);
}

static void step_backwards(struct rolling *r, int64_t now)
{
	if (!is_filled(r->old)) {
		if (now - r->since_ms >= start_limit(r->old) + PATIENCE_MS)
			enter_state(r, ROLLING_STUCK, now);
		return;
	}
	for (size_t i = 0; i < r->fresh->n_lanes; i++)
		if (copies_find_lane(r->old, r->fresh, i) >= 0)
			(void)copies_reduce_unproven(r->fresh, i, r->m - r->old_target);
	if (r->old_target < r->m) {
		set_old_target(r, r->old_target + r->step < r->m ? r->old_target + r->step : r->m);
		copies_fill(r->old, now);
		r->since_ms = now;
		return;
	}
	release_old(r);
	enter_state(r, ROLLING_RESTORED, now);
}

/* ---- both ---- */

enum rolling_state rolling_step(struct rolling *r, int64_t now_ms)
{
	pool_look_after(r->fresh, false);
	switch (r->state) {
	case ROLLING_FIRST:
	case ROLLING_GROW:
	case ROLLING_WATCH:
		step_forwards(r, now_ms);
		break;
	case ROLLING_PROVEN: /* a copy that ends while other services are waited for */
		if (r->fresh->n_lost != r->n_lost)
			lose_copy(r, now_ms);
		break;
	case ROLLING_BACK:
		pool_look_after(r->old, false);
		step_backwards(r, now_ms);
		break;
	case ROLLING_NONE:
	case ROLLING_DONE:
	case ROLLING_FAILED:
	case ROLLING_RESTORED:
	case ROLLING_STUCK:
		break;
	}
	return r->state;
}

int64_t rolling_due(const struct rolling *r, int64_t now_ms)
{
	int64_t end;

	switch (r->state) {
	case ROLLING_FIRST:
	case ROLLING_GROW:
	case ROLLING_BACK:
		return now_ms + STEP_MS;
	case ROLLING_WATCH:
		end = find_watch_end(r->fresh);
		return end > now_ms && end < now_ms + LOOK_MS ? end : now_ms + LOOK_MS;
	case ROLLING_NONE:
	case ROLLING_PROVEN:
	case ROLLING_DONE:
	case ROLLING_FAILED:
	case ROLLING_RESTORED:
	case ROLLING_STUCK:
		break;
	}
	return now_ms + LOOK_MS;
}

void rolling_abandon(struct rolling *r)
{
	pool_retire(r->fresh, -1);
	copies_end(r->fresh);
	if (r->old != NULL)
		release_old(r);
	r->is_unproven = true;
	r->state = ROLLING_DONE;
}

void rolling_let_go(struct rolling *r)
{
	release_old(r);
	set_targets(r->fresh, 0);
	r->fresh->yields = true;
}

void rolling_stop(struct rolling *r)
{
	if (r->old != NULL)
		r->old->stays = true;
	else
		copies_end(r->fresh);
}

/* ---- words ---- */

void rolling_tell(const struct rolling *r, json_t *reasons)
{
	const char *name = r->fresh->service->name;
	char text[160];

	if (r->is_late) {
		(void)snprintf(text, sizeof(text),
			       "services.%.64s: not all new copies of the program could be started in time "
			       "(timeouts.start)",
			       name);
		(void)json_array_append_new(reasons, json_text(text));
	} else if (r->fresh->last_end != NULL) {
		program_end_tell(r->fresh->last_end, r->fresh->service, reasons);
	}
}

void rolling_count(const struct rolling *r, int64_t *old_out, int64_t *of_out, int64_t *fresh_out)
{
	*old_out = *of_out = *fresh_out = 0;
	for (size_t i = 0; i < r->fresh->n_lanes; i++)
		*fresh_out += copies_count(r->fresh, i).ready;
	for (size_t i = 0; r->old != NULL && i < r->old->n_lanes; i++) {
		*old_out += copies_count(r->old, i).ready;
		*of_out += r->m;
	}
}

void rolling_describe(const struct rolling *r, char *out, size_t size)
{
	int64_t proven = 0, watched = 0, all = r->n * (int64_t)r->fresh->n_lanes;
	const struct proc *proc;

	DL_FOREACH (r->fresh->procs, proc) {
		if (proc->leaving)
			continue;
		proven += proc->outlived;
		watched += !proc->outlived && proc->ready;
	}
	if (r->state == ROLLING_BACK)
		(void)snprintf(out, size, "going back; %lld of %lld copies of before are wanted again",
			       (long long)r->old_target, (long long)r->m);
	else
		(void)snprintf(out, size, "%lld of %lld copies %s; watching %lld", (long long)proven, (long long)all,
			       r->old != NULL ? "replaced" : "started", (long long)watched);
}
