/* SPDX-License-Identifier: MIT */
#include "master/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/notify.h"
#include "base/parse.h"
#include "config/config.h"
#include "control/status.h"
#include "listeners/fd_store.h"
#include "master/state.h"
#include "net/inherited.h"
#include "net/listen_queue.h"
#include "pool/pool_count.h"

/* Services whose workers all die, for systemctl status; "" if there is none. */
static void write_throttled(const struct master *master, char *out, size_t size)
{
	int64_t now = clock_ms();

	out[0] = '\0';
	for (size_t i = 0; i < master->n_pools; i++) {
		if (pool_throttled(master->pools[i], now) == 0)
			continue;
		(void)snprintf(out, size, "; degraded: workers of %s cannot start", master->pools[i]->service->name);
		return;
	}
}

static void write_status(const struct master *master, char *out, size_t size)
{
	int64_t workers = 0, busy = 0;
	const struct pool *former;
	char throttled[128];

	for (size_t i = 0; i < master->n_pools; i++) {
		struct pool_counts n = pool_count(master->pools[i], -1);

		workers += n.starting + n.idle + n.busy + n.leaving;
		busy += n.busy;
	}
	DL_FOREACH (master->ending, former)
		workers += (int64_t)former->n_procs;
	write_throttled(master, throttled, sizeof(throttled));
	(void)snprintf(out, size, "%s: %zu service%s, %" PRId64 " workers, %" PRId64 " busy, %" PRId64 " refused%s%s%s",
		       status_state(master), master->n_pools, master->n_pools == 1 ? "" : "s", workers, busy,
		       status_refused(master), throttled,
		       master->last_reload.any && !master->last_reload.success ? "; rejected: " : "",
		       master->last_reload.any && !master->last_reload.success ? master->last_reload.text : "");
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

void report_reloading(void)
{
	struct timespec now;

	/* of the same moment and in the same datagram (sd_notify(3)) */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void report_verdict(struct master *master, bool success, const char *text, const json_t *reasons)
{
	struct log_about about = {.message_id = success ? MESSAGE_ID_RELOADED : MESSAGE_ID_REJECTED};
	struct verdict *verdict = &master->last_reload;
	const char *first = json_string_value(json_array_get(reasons, 0));
	const json_t *reason;
	size_t i;

	*verdict = (struct verdict){.any = true, .success = success, .at_ms = clock_ms()};
	(void)snprintf(verdict->text, sizeof(verdict->text), "%s", !success && first != NULL ? first : text);
	json_array_foreach (reasons, i, reason)
		log_msg(success ? LOG_WARNING : LOG_ERR, "%s", json_string_value(reason));
	log_about(success ? LOG_NOTICE : LOG_ERR, &about, "%s", text);
	if (master->phase != MASTER_SERVING)
		return;
	write_status(master, master->status, sizeof(master->status));
	notify_send("READY=1\nSTATUS=%s", master->status);
}

void report_leftovers(const struct inherited_set *inherited)
{
	for (size_t i = 0; i < inherited->n; i++) {
		const struct inherited *item = &inherited->items[i];
		char text[ADDR_TEXT_MAX] = "no address";

		if (item->fd < 0)
			continue;
		if (item->addr.len > 0)
			(void)addr_format(&item->addr, text, sizeof(text));
		if (item->stored) {
			log_msg(LOG_NOTICE, "%s was kept for us, and is not configured any more: closed", text);
			fd_store_forget(item->name);
			continue;
		}
		log_msg(LOG_WARNING, "inherited descriptor %d \"%s\" (%s) is closed: %s", item->fd, item->name, text,
			item->unfit != NULL ? item->unfit : "no service listens there");
	}
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
		  "%s: %" PRId64 " idle, %" PRId64 " busy, %" PRId64 " starting, %" PRId64 " leaving; backlog %" PRId64
		  "%s",
		  listener->text, n.idle, n.busy, n.starting, n.leaving, listener->backlog, queued);
}

void report_dump(const struct master *master)
{
	char uptime[32];

	format_duration((clock_ms() - master->started_ms) / 1000 * 1000, uptime, sizeof(uptime));
	log_msg(LOG_NOTICE, "state: %s, up for %s, %" PRIu64 " log lines lost", master->status, uptime, log_lost());
	for (size_t i = 0; i < master->n_pools; i++) {
		const struct pool *pool = master->pools[i];
		struct log_about about = pool_about(pool);
		struct counts t;

		status_counts(master, pool, &t);

		for (size_t lane = 0; lane < pool->n_lanes; lane++)
			dump_lane(pool, lane);
		log_about(LOG_NOTICE, &about,
			  "%" PRIu64 " connections (%" PRIu64 " ended badly), %" PRIu64 " bytes in, %" PRIu64
			  " bytes out, %" PRIu64 " crashes",
			  t.accepted, t.failed, t.bytes_in, t.bytes_out, t.crashes);
	}
}
