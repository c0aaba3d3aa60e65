/* SPDX-License-Identifier: MIT */
#include "change/worker_watch.h"

#include <stdio.h>

#include "base/exit_text.h"
#include "base/json_text.h"
#include "change/plan.h"
#include "config/config.h"
#include "fleet/member.h"

#define START_MOST 60000

static bool must_serve(const struct pool *fresh)
{
	return fresh != NULL && fresh->state == POOL_SERVING && !fresh->paused;
}

static bool is_proven_program(const struct plan_item *item)
{
	return item->rolling.state == ROLLING_DONE && !item->rolling.is_unproven;
}

int64_t worker_watch_patience(const struct plan *plan)
{
	int64_t most = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct pool *fresh = plan->items[i].fresh;
		int64_t start = fresh != NULL ? fresh->service->timeouts.start : 0;

		if (fresh != NULL && (start == 0 || start > START_MOST))
			start = START_MOST;
		if (start > most)
			most = start;
	}
	return most;
}

bool worker_watch_ready(const struct plan *plan, json_t *failures)
{
	bool all = true;
	char text[128];

	for (size_t i = 0; i < plan->n; i++) {
		const struct pool *fresh = plan->items[i].fresh;

		/* Programs that were watched have proved themselves, whatever becomes of them now. */
		if (!must_serve(fresh) || pool_all_ready(fresh) || is_proven_program(&plan->items[i]))
			continue;
		all = false;
		if (failures == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "services.%.64s: not all of its new workers are ready",
			       fresh->service->name);
		(void)json_array_append_new(failures, json_text(text));
	}
	return all;
}

int64_t worker_watch_time(const struct plan *plan)
{
	int64_t most = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct pool *fresh = plan->items[i].fresh;

		if (must_serve(fresh) && !fresh->service->program.runs && fresh->service->timeouts.prove > most)
			most = fresh->service->timeouts.prove;
	}
	return most;
}

static bool has_crashed_before(const struct plan_item *item, int64_t since_ms)
{
	int64_t prove = item->fresh->service->timeouts.prove;

	return item->crashed_before_ms != 0 && item->crashed_before_ms >= since_ms - prove;
}

void worker_watch_judge(const struct plan *plan, int64_t since_ms, json_t *failures)
{
	char how[128], text[512];

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->items[i];
		const struct pool *fresh = item->fresh;

		if (fresh == NULL || fresh->service->program.runs || fresh->service->timeouts.prove == 0 ||
		    fresh->crashes.n == 0 || has_crashed_before(item, since_ms))
			continue;
		exit_text(fresh->crashes.status, how, sizeof(how));
		(void)snprintf(text, sizeof(text), "services.%.64s: %u of its new workers crashed; the first %s%s%s",
			       fresh->service->name, fresh->crashes.n, how,
			       fresh->crashes.peer[0] != '\0' ? " while it served " : "", fresh->crashes.peer);
		(void)json_array_append_new(failures, json_text(text));
	}
}
