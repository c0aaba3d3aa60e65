/* SPDX-License-Identifier: MIT */
#include "pool/pool.h"

#include <time.h>
#include <utlist.h>

struct log_about pool_about(const struct pool *pool)
{
	return (struct log_about){.service = pool->service->name};
}

const char *pool_state_name(enum pool_state state)
{
	static const char *const names[] = {
		[POOL_HELD] = "starting",   [POOL_SERVING] = "serving",	      [POOL_DRAINING] = "draining",
		[POOL_DRAINED] = "drained", [POOL_SUPERSEDED] = "superseded", [POOL_ENDING] = "stopping",
	};

	return names[state];
}

const char *pool_state_text(const struct pool *pool)
{
	return pool->paused && pool->state == POOL_SERVING ? "paused" : pool_state_name(pool->state);
}

bool pool_winds_down(const struct pool *pool)
{
	return pool->state == POOL_DRAINING || pool->state == POOL_ENDING;
}

bool pool_rests(const struct pool *pool)
{
	return pool->paused && pool->state != POOL_ENDING;
}

int64_t pool_copies(const struct pool *pool)
{
	return pool->limits.min > 0 ? pool->limits.min : 1;
}

int64_t pool_throttled(const struct pool *pool, int64_t now_ms)
{
	if (pool->policy.failures == 0 || now_ms >= pool->policy.held_until_ms)
		return 0;
	return pool->policy.held_until_ms;
}

bool pool_is_quiet(const struct pool *pool)
{
	return pool->service->optional && !pool->proved && pool->policy.failures > 0;
}

bool pool_all_ready(const struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->ready)
			return false;
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].fd >= 0 && !pool->listeners[i].refusing)
			return pool->procs != NULL;
	return true; /* no lane serves clients */
}

/* on_full = "refuse" needs one more worker at each address, which turns clients away while `max` of them serve. */
static int64_t most_workers(const struct config_workers *limits, size_t n_lanes)
{
	return limits->max + (limits->on_full == ON_FULL_REFUSE ? (int64_t)n_lanes : 0);
}

int64_t pool_most_workers(const struct pool *pool)
{
	return most_workers(&pool->limits, pool->n_lanes);
}

/* Twice as many as may live at once: workers that leave hold their slots while their successors start. */
size_t pool_slots(const struct config_workers *limits, size_t n_lanes)
{
	return (size_t)most_workers(limits, n_lanes) * 2 + 2;
}

bool pool_has_room(const struct pool *pool, const struct config_workers *limits)
{
	return pool_slots(limits, pool->n_lanes) <= pool->board.n_slots;
}

static void publish_hours(struct pool *pool)
{
	const struct config_access *access = &pool->service->access;

	if (access->n_times == 0)
		return;
	pool_hours_look(&pool->hours, access, (int64_t)time(NULL));
	atomic_store(&pool->board.head->hours, board_hours(pool->hours.open, pool->hours.until));
}

void pool_publish(struct pool *pool)
{
	struct board_head *head = pool->board.head;

	if (head == NULL)
		return;
	publish_hours(pool);
	atomic_store(&head->workers_max, (uint32_t)pool->limits.max);
	atomic_store(&head->max_memory, pool->limits.max_memory);
	atomic_store(&head->draining, pool_winds_down(pool) || pool->state == POOL_DRAINED);
}

void pool_set_limits(struct pool *pool, const struct config_workers *limits)
{
	pool->limits = *limits;
	pool_publish(pool);
}
