/* SPDX-License-Identifier: MIT */
#include "change/stop.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/notify.h"
#include "base/unit.h"
#include "base/unit_job.h"
#include "net/listen_quiesce.h"
#include "pool/wind_down.h"

#define STEP_MS 20 /* between two looks at the queues */

struct stop {
	struct operation op;
	unsigned signals; /* SIGTERM and SIGINT that have come */
};

static int64_t step_stop(struct operation *op, int64_t now)
{
	struct fleet *fleet = op->all->fleet;
	struct fleet_cursor at = {0};
	struct pool *pool;
	bool left = false;

	while ((pool = fleet_next(fleet, &at)) != NULL)
		left = !wind_down_step(pool, now) || left;
	if (!left)
		(void)sd_event_exit(fleet->event, op->all->exit_status);
	return now + STEP_MS;
}

/* Marks the listeners that the service manager keeps, so that they are not shut down: clients wait in their queues for
 * the next daemon. */
static void mark_kept_listeners(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].stored[0] != '\0')
			pool->listeners[i].inherited = true;
}

void stop_leave_listeners(struct fleet *fleet)
{
	struct pool *pool;

	if (!unit_is_one()) /* there is no manager that starts the next daemon */
		return;
	for (size_t i = 0; i < fleet->n_pools; i++)
		if (fleet->pools[i] != NULL)
			mark_kept_listeners(fleet->pools[i]);
	DL_FOREACH (fleet->retiring, pool)
		if (pool->state == POOL_SUPERSEDED)
			mark_kept_listeners(pool);
}

static bool is_restart(void)
{
	switch (unit_job_ask()) {
	case UNIT_JOB_RESTART:
		log_msg(LOG_INFO, "a restart: listeners are kept by systemd, clients wait in the queue");
		return true;
	case UNIT_JOB_UNKNOWN:
		log_msg(LOG_NOTICE, "systemd does not say whether this is a stop or a restart: "
				    "listeners are left to it, as for a restart");
		return true;
	case UNIT_JOB_NONE:
	case UNIT_JOB_STOP:
		break;
	}
	return false;
}

static void begin_stop(struct operation *op)
{
	struct fleet *fleet = op->all->fleet;
	struct fleet_cursor at = {0};
	struct pool *pool;

	fleet->is_stopping = true;
	while ((pool = fleet_next(fleet, &at)) != NULL)
		if (pool->state != POOL_ENDING)
			wind_down_begin(pool, POOL_ENDING, "stop");
	listen_settle();
	operations_mark(op->all);
}

static void end_stop(struct operation *op, const char *why)
{
	(void)op;
	(void)why; /* no order ends a stop */
}

static const struct operation_kind stop_kind = {
	.order = ORDER_STOP,
	.name = "stop",
	.doing = "stopping",
	.size = sizeof(struct stop),
	.begin = begin_stop,
	.step = step_stop,
	.end = end_stop,
};

void stop_begin(struct operations *ops, enum stop_kind kind, int status)
{
	const struct log_about about = {.message_id = MESSAGE_ID_STOPPING};
	struct operation *op = operation_find(ops, ORDER_STOP);

	if (op != NULL)
		return;
	operations_end_all(ops, NULL, "the daemon stops");
	ops->exit_status = status;
	notify_send("STOPPING=1");
	log_about(LOG_NOTICE, &about, "stopping: serving queued clients, waiting for connected ones");
	if (kind == STOP_AS_SYSTEMD_SAYS && is_restart())
		stop_leave_listeners(ops->fleet);
	op = operation_run(ops, &stop_kind, NULL, 0);
	if (op == NULL) { /* no memory */
		ops->fleet->is_stopping = true;
		stop_now(ops, "no memory for an orderly stop");
		(void)sd_event_exit(ops->fleet->event, status);
		return;
	}
	begin_stop(op);
}

void stop_signal(struct operations *ops)
{
	struct stop *stop = (struct stop *)operation_find(ops, ORDER_STOP);

	if (stop == NULL) {
		stop_begin(ops, STOP_AS_SYSTEMD_SAYS, 0);
		stop = (struct stop *)operation_find(ops, ORDER_STOP);
	}
	if (stop != NULL && ++stop->signals == 2)
		stop_now(ops, "told to stop again: now");
}

void stop_now(struct operations *ops, const char *why)
{
	struct fleet_cursor at = {0};
	struct pool *pool;

	while ((pool = fleet_next(ops->fleet, &at)) != NULL)
		wind_down_now(pool, why);
	operations_mark(ops);
}
