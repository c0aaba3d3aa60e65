/* SPDX-License-Identifier: MIT */
#include "change/drain.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "change/hearing.h"
#include "fleet/retiring.h"
#include "net/listen_quiesce.h"
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/wind_down.h"

struct drain {
	struct operation op;
	int64_t shut_ms; /* since when all services refuse clients; 0: one does not yet */
};

struct undrain {
	struct operation op;
	int64_t since_ms;
	json_t *reasons; /* addresses that could not be bound again so far */
};

static void end_wait(struct operation *op, const char *why)
{
	operation_finish(op, false, why, NULL);
}

/* ---- drain ---- */

/* Former pools serve on for services that wait, and do not come back at an undrain. */
static void end_formers(struct fleet *fleet)
{
	struct member *member, *next;

	HASH_ITER (hh, fleet->members, member, next) {
		struct pool *former = member->now == NULL ? fleet_former(fleet, member->name) : NULL;

		if (former != NULL)
			wind_down_begin(former, POOL_ENDING, "drain");
	}
}

static void begin_drain(struct operation *op)
{
	struct fleet *fleet = op->all->fleet;

	if (fleet->drained) {
		operation_finish(op, true, "drained already", NULL);
		return;
	}
	fleet->drained = true;
	for (size_t i = 0; i < fleet->n_pools; i++)
		wind_down_begin(fleet->pools[i], POOL_DRAINING, "drain");
	end_formers(fleet);
	listen_settle();
	retiring_step(fleet);
	operation_progress(op, "serving queued clients");
}

/* All services refuse clients. A paused one is not waited for, because it keeps its queue. */
static bool are_all_shut(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_pools; i++)
		if (fleet->pools[i]->state != POOL_DRAINED && !fleet->pools[i]->paused)
			return false;
	return true;
}

static int64_t step_drain(struct operation *op, int64_t now)
{
	struct fleet *fleet = op->all->fleet;
	struct drain *drain = (struct drain *)op;
	struct hearing hearing = {0};
	char text[128];

	if (!are_all_shut(fleet)) {
		drain->shut_ms = 0;
		return 0; /* fleet/retiring.c has a timer as long as a client is queued */
	}
	if (drain->shut_ms == 0)
		drain->shut_ms = now;
	for (size_t i = 0; i < fleet->n_pools; i++)
		hearing_of_pool(fleet->pools[i], &hearing);
	if (hearing.n_deaf == 0) {
		operation_finish(op, true, "drained: clients are turned away", NULL);
		return 0;
	}
	if (now - drain->shut_ms < HEARING_MS)
		return now + HEARING_STEP_MS;
	hearing_write("drained", &hearing, text, sizeof(text));
	operation_finish(op, false, text, NULL);
	return 0;
}

/* ---- undrain ---- */

static void begin_undrain(struct operation *op)
{
	struct undrain *undrain = (struct undrain *)op;

	if (!op->all->fleet->drained) {
		operation_finish(op, true, "was not drained", NULL);
		return;
	}
	op->all->fleet->drained = false;
	op->all->fleet->is_undraining = true;
	undrain->since_ms = clock_ms();
	undrain->reasons = json_array();
	operation_progress(op, "serving clients that are queued at unix sockets");
}

/* No worker of POOL has a copy of a socket that it does not serve: retired workers have closed their listener, and no
 * worker is starting, which closes the listeners of other services. */
static bool has_settled(const struct pool *pool)
{
	return pool_all_heard(pool) && pool_count(pool, -1).starting == 0;
}

static bool sockets_are_ours(const struct fleet *fleet)
{
	struct fleet_cursor at = {0};
	const struct pool *pool;

	while ((pool = fleet_next(fleet, &at)) != NULL)
		if (!has_settled(pool))
			return false;
	return true;
}

static void add_reason(const char *why, void *userdata)
{
	(void)json_array_append_new(userdata, json_text(why));
}

/* Adds a reason for each paused service with clients in the queue of a unix socket: its path cannot come back before
 * they are served. */
static void add_blocked(const struct fleet *fleet, json_t *reasons)
{
	for (size_t i = 0; i < fleet->n_pools; i++) {
		const struct pool *pool = fleet->pools[i];
		char text[256];

		if (!pool->paused || (pool->state != POOL_DRAINING && pool->state != POOL_DRAINED))
			continue;
		(void)snprintf(
			text, sizeof(text),
			"%.64s is paused, and clients are queued at its unix socket: it can be reached again when "
			"the service is resumed",
			pool->service->name);
		add_reason(text, reasons);
	}
}

static int64_t step_undrain(struct operation *op, int64_t now)
{
	struct fleet *fleet = op->all->fleet;
	struct undrain *undrain = (struct undrain *)op;
	bool late = now - undrain->since_ms >= HEARING_MS;
	size_t left = retiring_undrain(fleet, late || sockets_are_ours(fleet), add_reason, undrain->reasons);

	/* After retiring_undrain(), because a worker that starts has copies of all our sockets for a moment. */
	for (size_t i = 0; i < fleet->n_pools; i++)
		pool_look_after(fleet->pools[i], false);
	if (left > 0 && late)
		add_blocked(fleet, undrain->reasons);
	if (left > 0 && (!late || json_array_size(undrain->reasons) == 0))
		return now + HEARING_STEP_MS;
	operation_finish(op, json_array_size(undrain->reasons) == 0,
			 json_array_size(undrain->reasons) == 0 ? "undrained"
								: "not all addresses could be bound again",
			 json_incref(undrain->reasons));
	return 0;
}

static void clear_undrain(struct operation *op)
{
	json_decref(((struct undrain *)op)->reasons);
	op->all->fleet->is_undraining =
		operation_find(op->all, ORDER_UNDRAIN) != NULL; /* the next one may have begun */
}

const struct operation_kind drain_kind = {
	.order = ORDER_DRAIN,
	.name = "drain",
	.doing = "draining",
	.size = sizeof(struct drain),
	.begin = begin_drain,
	.step = step_drain,
	.end = end_wait,
};

const struct operation_kind undrain_kind = {
	.order = ORDER_UNDRAIN,
	.name = "undrain",
	.doing = "undraining",
	.size = sizeof(struct undrain),
	.begin = begin_undrain,
	.step = step_undrain,
	.end = end_wait,
	.clear = clear_undrain,
};
