/* SPDX-License-Identifier: MIT */
#include "change/rolls.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json_text.h"
#include "change/plan.h"
#include "config/config.h"
#include "fleet/fleet.h"

bool rolls_may_serve(const struct plan_item *item, const struct fleet *fleet)
{
	return !fleet->drained && !item->member->paused && (item->old == NULL || item->old->state == POOL_SERVING);
}

/* A program accepts clients as soon as it runs, so the addresses must listen first, also new ones. */
static int start_listeners(struct pool *pool, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].lender == NULL && listener_start(&pool->listeners[i], pool->service, &why) < 0)
			return err_set(err, "services.%s: %s", pool->service->name, why.text);
	return 0;
}

int rolls_begin(struct plan_item *item, const struct fleet *fleet, int64_t now_ms, struct err *err)
{
	struct pool *pool = item->fresh;

	if (!rolls_may_serve(item, fleet)) {
		item->proven = true; /* all its programs start when it serves again */
		return 0;
	}
	if (start_listeners(pool, err) < 0)
		return -1;
	if (rolling_begin(&item->rolling, pool, item->old, now_ms) < 0)
		return err_set(err, "services.%s: no program could be started", pool->service->name);
	item->member->rolling = &item->rolling;
	return 0;
}

/* The item, if it has programs that are replaced; else NULL. */
static struct rolling *find_rolling(const struct plan *plan, size_t i)
{
	return plan->items[i].rolling.state != ROLLING_NONE ? &plan->items[i].rolling : NULL;
}

static enum rolls_verdict judge_state(enum rolling_state state)
{
	switch (state) {
	case ROLLING_PROVEN:
		return ROLLS_PROVEN;
	case ROLLING_NONE:
	case ROLLING_DONE:
	case ROLLING_RESTORED:
		return ROLLS_DONE;
	case ROLLING_FAILED:
		return ROLLS_FAILED;
	case ROLLING_STUCK:
		return ROLLS_STUCK;
	case ROLLING_FIRST:
	case ROLLING_GROW:
	case ROLLING_WATCH:
	case ROLLING_BACK:
		break;
	}
	return ROLLS_WAIT;
}

/* The worst of both; the one that is least far. */
static enum rolls_verdict combine(enum rolls_verdict a, enum rolls_verdict b)
{
	static const int rank[] = {
		[ROLLS_DONE] = 0, [ROLLS_PROVEN] = 1, [ROLLS_STUCK] = 2, [ROLLS_WAIT] = 3, [ROLLS_FAILED] = 4};

	return rank[a] > rank[b] ? a : b;
}

enum rolls_verdict rolls_step(struct plan *plan, const struct fleet *fleet, int64_t now_ms, int64_t *due_out,
			      json_t *reasons)
{
	enum rolls_verdict verdict = ROLLS_DONE;

	*due_out = 0;
	for (size_t i = 0; i < plan->n; i++) {
		struct rolling *r = find_rolling(plan, i);
		enum rolls_verdict one;
		int64_t due;

		if (r == NULL)
			continue;
		if (!r->is_unproven && !rolls_may_serve(&plan->items[i], fleet))
			rolling_abandon(r);
		one = judge_state(rolling_step(r, now_ms));
		if (one == ROLLS_FAILED)
			rolling_tell(r, reasons);
		due = rolling_due(r, now_ms);
		if (*due_out == 0 || due < *due_out)
			*due_out = due;
		verdict = combine(verdict, one);
	}
	return verdict;
}

void rolls_go(struct plan *plan, int64_t now_ms)
{
	for (size_t i = 0; i < plan->n; i++)
		if (find_rolling(plan, i) != NULL)
			rolling_go(find_rolling(plan, i), now_ms);
}

bool rolls_back(struct plan *plan, int64_t now_ms)
{
	bool any = false;

	for (size_t i = 0; i < plan->n; i++) {
		struct rolling *r = find_rolling(plan, i);

		if (r == NULL || r->is_unproven)
			continue;
		rolling_back(r, now_ms);
		any = any || r->state == ROLLING_BACK;
	}
	return any;
}

enum rolls_verdict rolls_step_back(struct plan *plan, const struct fleet *fleet, int64_t now_ms, int64_t *due_out)
{
	enum rolls_verdict verdict = ROLLS_DONE;

	*due_out = now_ms;
	for (size_t i = 0; i < plan->n; i++) {
		struct rolling *r = find_rolling(plan, i);

		if (r == NULL || r->is_unproven)
			continue;
		if (!rolls_may_serve(&plan->items[i], fleet)) {
			rolling_abandon(r);
			continue;
		}
		verdict = combine(verdict, judge_state(rolling_step(r, now_ms)));
		*due_out = rolling_due(r, now_ms);
	}
	return verdict;
}

void rolls_let_go(struct plan *plan, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < plan->n; i++) {
		struct rolling *r = find_rolling(plan, i);
		int64_t old, of, fresh;

		if (r == NULL || !r->has_given_way || (r->state != ROLLING_BACK && r->state != ROLLING_STUCK))
			continue;
		rolling_count(r, &old, &of, &fresh);
		rolling_let_go(r);
		if (out[0] == '\0')
			(void)snprintf(
				out, size,
				"%lld of %lld copies of %.64s before are not there again, %lld new ones serve on",
				(long long)(of - old), (long long)of, r->fresh->service->name, (long long)fresh);
	}
}

void rolls_describe(const struct plan *plan, char *out, size_t size)
{
	char text[96];

	out[0] = '\0';
	for (size_t i = 0; i < plan->n; i++) {
		const struct rolling *r = find_rolling(plan, i);

		if (r == NULL || judge_state(r->state) == ROLLS_DONE)
			continue;
		rolling_describe(r, text, sizeof(text));
		(void)snprintf(out, size, "%.64s: %s", r->fresh->service->name, text);
		return;
	}
}

void rolls_warn(const struct plan *plan, json_t *warnings)
{
	char text[160];

	for (size_t i = 0; i < plan->n; i++) {
		const struct rolling *r = find_rolling(plan, i);

		if (r == NULL || !r->is_unproven)
			continue;
		(void)snprintf(
			text, sizeof(text),
			"services.%.64s: it was paused or drained meanwhile; its new programs have proved nothing",
			r->fresh->service->name);
		(void)json_array_append_new(warnings, json_text(text));
	}
}
