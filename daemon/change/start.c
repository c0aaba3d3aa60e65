/* SPDX-License-Identifier: MIT */
#include "change/start.h"

#include <stdio.h>
#include <sysexits.h>
#include <syslog.h>

#include "base/log.h"
#include "base/message_ids.h"
#include "change/launch.h"
#include "change/stop.h"
#include "config/config.h"

#define LACK_MS 10000 /* time for a lack of descriptors or processes to pass */

bool start_is_over(const struct fleet *fleet, const char **failed_out)
{
	bool over = true;

	*failed_out = NULL;
	for (size_t i = 0; i < fleet->n_pools; i++) {
		const struct pool *pool = fleet->pools[i];

		/* After an upgrade: programs that are replaced later. */
		if (pool->service->optional || pool->is_rolling)
			continue;
		if (pool->failed_start && !pool->proved) {
			if (*failed_out == NULL)
				*failed_out = pool->service->name;
		} else if (pool->state == POOL_SERVING && !pool->paused && !pool_all_ready(pool)) {
			over = false;
		}
	}
	return over;
}

static void begin_start(struct operation *op)
{
	(void)op;
}

static void fail_start(struct operation *op, const char *service)
{
	const struct log_about about = {.service = service, .message_id = MESSAGE_ID_START_FAILED};
	char why[160];

	log_about(LOG_ERR, &about, "its workers cannot start; giving up");
	(void)snprintf(why, sizeof(why), "the start failed: %s: its workers cannot start", service);
	operations_end_all(op->all, NULL, why);
	stop_begin(op->all, STOP_AS_SYSTEMD_SAYS, EX_OSERR);
	stop_now(op->all, "the start failed");
}

/*
 * A service for which no worker could be forked so far: descriptors or processes are lacking. The lack may pass, but
 * whoever starts the daemon must not wait for ever without a verdict. NULL: there is none.
 */
static const char *find_lacking(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_pools; i++) {
		const struct pool *pool = fleet->pools[i];

		if (pool->state == POOL_SERVING && !pool->paused && !pool->service->optional && !pool->proved &&
		    pool->procs == NULL && pool->policy.failures > 0)
			return pool->service->name;
	}
	return NULL;
}

static int64_t step_start(struct operation *op, int64_t now)
{
	const char *failed;
	bool over = start_is_over(op->all->fleet, &failed);

	if (!over && failed == NULL && now - op->all->fleet->started_ms >= LACK_MS)
		failed = find_lacking(op->all->fleet);
	if (failed != NULL) {
		fail_start(op, failed);
		return 0;
	}
	if (!over)
		return 0;
	op->all->has_started = true;
	operation_finish(op, true, "started", NULL);
	if (op->all->launch->when_ready != NULL)
		op->all->launch->when_ready();
	return 0;
}

static void end_start(struct operation *op, const char *why)
{
	operation_finish(op, false, why, NULL);
}

const struct operation_kind start_kind = {
	.order = ORDER_START,
	.name = "start",
	.doing = "starting",
	.size = sizeof(struct operation),
	.begin = begin_start,
	.step = step_start,
	.end = end_start,
};
