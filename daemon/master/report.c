/* SPDX-License-Identifier: MIT */
#include "master/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/parse.h"
#include "config/config.h"
#include "master/state.h"
#include "net/queue.h"

/* systemd's own numbers for these events (sd-messages.h), so that its tools know them. */
#define MESSAGE_ID_STARTED "39f53479d3a045ac8e11786248231fbf"

static void write_status(const struct master *master, char *out, size_t size)
{
	static const char *const phases[] = {"starting", "serving", "stopping"};
	int64_t workers = 0, busy = 0;

	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool_counts n = pool_count(&master->pools[i], -1);

		workers += n.starting + n.idle + n.busy + n.leaving;
		busy += n.busy;
	}
	(void)snprintf(out, size, "%s: %zu service%s, %" PRId64 " workers, %" PRId64 " busy",
		       phases[master->phase], master->n_pools, master->n_pools == 1 ? "" : "s",
		       workers, busy);
}

void report_status(struct master *master)
{
	char status[sizeof(master->status)];

	write_status(master, status, sizeof(status));
	if (strcmp(status, master->status) == 0)
		return;
	memcpy(master->status, status, sizeof(status));
	notify_send("STATUS=%s", status);
}

void report_ready(struct master *master)
{
	struct log_about about = {.message_id = MESSAGE_ID_STARTED};

	write_status(master, master->status, sizeof(master->status));
	log_about(LOG_NOTICE, &about, "started: %s", master->status);
	notify_send("READY=1\nSTATUS=%s", master->status);
}

static void dump_lane(const struct pool *pool, size_t lane)
{
	struct log_about about = pool_about(pool);
	const struct listener *listener = &pool->listeners[lane];
	struct pool_counts n = pool_count(pool, (ssize_t)lane);
	struct listen_queue queue = {.queued = -1};
	char queued[48] = "";

	if (listener->fd >= 0 && listen_queue(listener->fd, &queue) == 0 && queue.queued >= 0)
		(void)snprintf(queued, sizeof(queued), ", %" PRId64 " queued", queue.queued);
	log_about(LOG_NOTICE, &about,
		  "%s: %" PRId64 " idle, %" PRId64 " busy, %" PRId64 " starting, %" PRId64
		  " leaving; backlog %" PRId64 "%s",
		  listener->text, n.idle, n.busy, n.starting, n.leaving, listener->backlog, queued);
}

void report_dump(const struct master *master)
{
	char uptime[32];

	format_duration((clock_ms() - master->started_ms) / 1000 * 1000, uptime, sizeof(uptime));
	log_msg(LOG_NOTICE, "state: %s, up for %s, %" PRIu64 " log lines lost", master->status, uptime,
		log_lost());
	for (size_t i = 0; i < master->n_pools; i++) {
		const struct pool *pool = &master->pools[i];
		struct log_about about = pool_about(pool);
		struct pool_totals t = pool_totals(pool);

		for (size_t lane = 0; lane < pool->n_lanes; lane++)
			dump_lane(pool, lane);
		log_about(LOG_NOTICE, &about,
			  "%" PRIu64 " connections (%" PRIu64 " ended badly), %" PRIu64
			  " bytes in, %" PRIu64 " bytes out, %" PRIu64 " crashes",
			  t.accepted, t.failed, t.bytes_in, t.bytes_out, t.crashes);
	}
}
