/* SPDX-License-Identifier: MIT */
#include "upgrade/upgrade_rolls.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/json_text.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/leftover.h"
#include "pool/copies.h"

/* The pool that was in force before: the first one, as the handover has it. */
static struct pool *find_former(const struct fleet *fleet, const struct pool *pool)
{
	struct pool *former;

	DL_FOREACH (fleet->retiring, former)
		if (former->state == POOL_SUPERSEDED && former->totals == pool->totals && !former->stays &&
		    !former->yields)
			return former;
	return NULL;
}

static bool has_programs(const struct pool *former)
{
	return former != NULL && former->procs != NULL;
}

static void begin_roll(struct upgrade_rolls *rolls, struct fleet *fleet, struct pool *pool, struct pool *former,
		       int64_t now)
{
	struct upgrade_roll *roll = &rolls->list[rolls->n];

	if (pool->paused || pool->state != POOL_SERVING) { /* its programs start when it serves again */
		copies_end(pool);
		return;
	}
	roll->member = member_ref(member_find(fleet->members, pool->service->name));
	/* If the first copy cannot be forked now, the step tries it again. */
	(void)rolling_begin(&roll->rolling, pool, former, now);
	roll->member->rolling = &roll->rolling;
	rolls->n++;
}

void upgrade_rolls_begin(struct upgrade_rolls *rolls, struct fleet *fleet, int64_t now_ms)
{
	*rolls = (struct upgrade_rolls){.list = calloc(fleet->n_pools, sizeof(*rolls->list))};
	for (size_t i = 0; i < fleet->n_pools; i++) {
		struct pool *pool = fleet->pools[i], *former = find_former(fleet, pool);

		if (!pool->is_rolling || (!has_programs(former) && leftover_is_beside(fleet, pool)))
			continue;
		if (rolls->list != NULL && has_programs(former))
			begin_roll(rolls, fleet, pool, former, now_ms);
		else
			copies_end(pool);
	}
}

/* "web: its new programs end; 2 of 4 of before serve on", and why. */
static void stop_roll(struct rolling *r, json_t *failures)
{
	int64_t old, of, fresh;
	char text[192];

	rolling_count(r, &old, &of, &fresh);
	(void)snprintf(text, sizeof(text), "services.%.64s: its new programs end; %lld of %lld of before serve on",
		       r->fresh->service->name, (long long)old, (long long)of);
	(void)json_array_append_new(failures, json_text(text));
	rolling_tell(r, failures);
	rolling_stop(r);
	r->state = ROLLING_STUCK;
}

bool upgrade_rolls_step(struct upgrade_rolls *rolls, int64_t now_ms, int64_t *due_out, json_t *failures)
{
	bool over = true;

	*due_out = 0;
	for (size_t i = 0; i < rolls->n; i++) {
		struct rolling *r = &rolls->list[i].rolling;
		int64_t due;

		if (r->state == ROLLING_DONE || r->state == ROLLING_STUCK)
			continue;
		if (rolling_step(r, now_ms) == ROLLING_PROVEN)
			rolling_go(r, now_ms);
		if (r->state == ROLLING_FAILED)
			stop_roll(r, failures);
		if (r->state == ROLLING_DONE)
			copies_end(r->fresh);
		due = rolling_due(r, now_ms);
		if (*due_out == 0 || due < *due_out)
			*due_out = due;
		over = over && (r->state == ROLLING_DONE || r->state == ROLLING_STUCK);
	}
	return over;
}

void upgrade_rolls_describe(const struct upgrade_rolls *rolls, char *out, size_t size)
{
	char text[96];

	out[0] = '\0';
	for (size_t i = 0; i < rolls->n; i++) {
		const struct rolling *r = &rolls->list[i].rolling;

		if (r->state == ROLLING_DONE || r->state == ROLLING_STUCK)
			continue;
		rolling_describe(r, text, sizeof(text));
		(void)snprintf(out, size, "%.64s: %s", r->fresh->service->name, text);
		return;
	}
}

bool upgrade_rolls_have_replaced(const struct upgrade_rolls *rolls, const struct pool *former)
{
	for (size_t i = 0; i < rolls->n; i++)
		if (rolls->list[i].rolling.fresh->totals == former->totals)
			return rolls->list[i].rolling.state == ROLLING_DONE;
	return false;
}

void upgrade_rolls_clear(struct upgrade_rolls *rolls)
{
	for (size_t i = 0; i < rolls->n; i++) {
		rolls->list[i].member->rolling = NULL;
		member_unref(&rolls->list[i].member);
	}
	free(rolls->list);
	*rolls = (struct upgrade_rolls){.n = 0};
}
