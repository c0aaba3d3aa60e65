/* SPDX-License-Identifier: MIT */
#include "change/resize.h"

#include <inttypes.h>

#include "base/err.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "change/rollout.h"
#include "config/config.h"
#include "fleet/waiting.h"
#include "pool/pool.h"
#include "pool/pool_look.h"

/* Makes the service's limits with MIN and MAX in place of its own. -1 and *err: they are wrong for POOL. */
static int make_limits(const struct pool *pool, int64_t min, int64_t max, struct config_workers *out, struct err *err)
{
	int64_t lanes = (int64_t)pool->n_lanes, each = max / lanes;

	if (min < 0 || max < 1 || max > CONFIG_WORKERS_MOST)
		return err_set(err, "min is at least 0, max 1 to %d", CONFIG_WORKERS_MOST);
	if (lanes == 1 && min > max)
		return err_set(err, "max = %" PRId64 " is too small: min is %" PRId64, max, min);
	if (min * lanes > max || lanes > max)
		return err_set(
			err, "max = %" PRId64 " is too small: there are %" PRId64 " addresses, and min holds for each",
			max, lanes);
	*out = pool->service->workers;
	out->min = min;
	out->max = max;
	if (out->min_spare > each)
		out->min_spare = each;
	if (out->max_spare > each) /* otherwise more than MAX idle workers could stay */
		out->max_spare = each;
	return 0;
}

static void log_resize(const struct pool *pool, int64_t min, int64_t max)
{
	struct log_about about = pool_about(pool);

	about.message_id = MESSAGE_ID_RELOADING;
	log_about(LOG_NOTICE, &about, "resized: min %" PRId64 ", max %" PRId64, min, max);
}

static void remember_limits(struct member *member, int64_t min, int64_t max)
{
	member->resized.is_set = true;
	member->resized.min = min;
	member->resized.max = max;
}

/* The board of the pool has room for LIMITS: they hold from now on. */
static void apply_limits(struct member *member, const struct config_workers *limits)
{
	log_resize(member->now, limits->min, limits->max);
	remember_limits(member, limits->min, limits->max);
	pool_set_limits(member->now, limits);
	pool_look_after(member->now, false);
}

static int explain_wait(const struct member *member, struct err *err)
{
	return err_set(err, "the service waits, and has no workers: %s", member->waiting->why);
}

static void begin_resize(struct operation *op)
{
	struct rollout *r = (struct rollout *)op;
	struct pool *pool = op->member->now;
	struct config_workers limits;
	struct err err;

	if (pool == NULL && op->member->waiting != NULL) {
		(void)explain_wait(op->member, &err);
		rollout_reject_text(r, err.text);
		return;
	}
	if (pool == NULL) {
		operation_finish_removed(op);
		return;
	}
	if (make_limits(pool, op->min, op->max, &limits, &err) < 0) {
		rollout_reject_text(r, err.text);
		return;
	}
	if (pool_has_room(pool, &limits)) {
		apply_limits(op->member, &limits);
		operation_finish(op, true, "resized", NULL);
		return;
	}
	if (plan_replace(&r->plan, op->all->fleet, pool, &limits, "resize", &err) < 0) {
		rollout_reject_text(r, err.text);
		return;
	}
	log_resize(pool, op->min, op->max);
	rollout_begin(r);
}

static int64_t step_resize(struct operation *op, int64_t now)
{
	bool before = rollout_is_committed(op);
	int64_t due = rollout_step(op, now);

	if (!before && rollout_is_committed(op))
		remember_limits(op->member, op->min, op->max);
	return due;
}

/* A changer that is not committed yet may replace the pool by one with other limits, and forget this order. */
static bool may_be_done_now(const struct operations *ops)
{
	const struct operation *changer = operation_find_changer(ops);

	if (operation_find(ops, ORDER_START) != NULL || operation_find(ops, ORDER_STOP) != NULL)
		return false;
	return changer == NULL || changer->kind->order == ORDER_UPGRADE || operation_is_committed(changer);
}

unsigned resize_ask(struct operations *ops, struct member *member, int64_t min, int64_t max, struct err *err)
{
	struct pool *pool = member->now;
	struct config_workers limits;
	unsigned job;

	if (pool == NULL)
		return (void)explain_wait(member, err), 0;
	if (make_limits(pool, min, max, &limits, err) < 0)
		return 0;
	if (!pool_has_room(pool, &limits) || !may_be_done_now(ops))
		return operation_ask(ops, &resize_kind, member, min, max, err);
	job = jobs_new(&ops->jobs);
	if (job == 0) {
		(void)err_set(err, "no memory for an order");
		return 0;
	}
	apply_limits(member, &limits);
	jobs_done(&ops->jobs, job, true, "resized", NULL);
	return job;
}

const struct operation_kind resize_kind = {
	.order = ORDER_RESIZE,
	.name = "resize",
	.doing = "resizing",
	.size = sizeof(struct rollout),
	.is_changer = true,
	.begin = begin_resize,
	.step = step_resize,
	.end = rollout_end,
	.is_committed = rollout_is_committed,
	.clear = rollout_clear,
};
