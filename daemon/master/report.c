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
#include "change/operation.h"
#include "config/config.h"
#include "control/status.h"
#include "listeners/fd_store.h"
#include "net/inherited.h"
#include "net/listen_queue.h"
#include "pool/pool_count.h"

#define EXTEND_MS 10000 /* time that the service manager is asked for; it is asked again after half of it */

/* Writes the first service that waits, and how many do; "": there is none. */
static void write_waiting(const struct operations *ops, char *out, size_t size)
{
	const struct member *member, *next, *first = NULL;
	size_t n = 0;

	HASH_ITER (hh, (struct member *)ops->fleet->members, member, next) {
		if (member_waits_for(member) == NULL)
			continue;
		first = first != NULL ? first : member;
		n++;
	}
	out[0] = '\0';
	if (n == 1)
		(void)snprintf(out, size, "; waiting: %s: %s", first->name, member_waits_for(first));
	else if (n > 1)
		(void)snprintf(out, size, "; %zu services wait: %s: %s ...", n, first->name, member_waits_for(first));
}

/* Writes the first service whose workers cannot start, for systemctl status; "": there is none. */
static void write_throttled(const struct operations *ops, char *out, size_t size)
{
	int64_t now = clock_ms();

	out[0] = '\0';
	for (size_t i = 0; i < ops->fleet->n_pools; i++) {
		if (pool_is_quiet(ops->fleet->pools[i]) || pool_throttled(ops->fleet->pools[i], now) == 0)
			continue;
		(void)snprintf(out, size, "; degraded: workers of %s cannot start",
			       ops->fleet->pools[i]->service->name);
		return;
	}
}

static void write_status(const struct operations *ops, char *out, size_t size)
{
	int64_t workers = 0, busy = 0;
	const struct pool *former;
	char throttled[128], waiting[448];

	for (size_t i = 0; i < ops->fleet->n_pools; i++) {
		struct pool_counts n = pool_count(ops->fleet->pools[i], -1);

		workers += n.starting + n.idle + n.busy + n.leaving;
		busy += n.busy;
	}
	DL_FOREACH (ops->fleet->retiring, former)
		workers += (int64_t)former->n_procs;
	write_throttled(ops, throttled, sizeof(throttled));
	write_waiting(ops, waiting, sizeof(waiting));
	(void)snprintf(
		out, size, "%s: %zu service%s, %" PRId64 " workers, %" PRId64 " busy, %" PRId64 " refused%s%s%s%s",
		status_state(ops), ops->fleet->n_pools, ops->fleet->n_pools == 1 ? "" : "s", workers, busy,
		status_refused(ops), throttled, waiting, ops->last.any && !ops->last.success ? "; rejected: " : "",
		ops->last.any && !ops->last.success ? ops->last.text : "");
}

static void report_status(struct report *report)
{
	char status[sizeof(report->status)];

	write_status(report->ops, status, sizeof(status));
	if (strcmp(status, report->status) == 0)
		return;
	memcpy(report->status, status, sizeof(status));
	notify_send("STATUS=%s", status);
}

static void report_ready(struct report *report)
{
	write_status(report->ops, report->status, sizeof(report->status));
	notify_send("READY=1\nSTATUS=%s", report->status);
}

static void report_start(struct report *report)
{
	struct log_about about = {.message_id = MESSAGE_ID_STARTED};

	write_status(report->ops, report->status, sizeof(report->status));
	log_about(LOG_NOTICE, &about, "started: %s", report->status);
	report_ready(report);
}

/* READY=1 must follow in any case (sd_notify(3)). */
static void report_reloading(void)
{
	struct timespec now;

	/* sd_notify(3) wants the time of this moment in the same datagram. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void report_changes(struct report *report)
{
	const struct operations *ops = report->ops;

	if (ops->n_begun != report->n_begun && !ops->fleet->is_stopping)
		report_reloading();
	if (!report->has_started && ops->has_started && operation_find(ops, ORDER_UPGRADE) == NULL &&
	    ops->n_ended == report->n_ended)
		report_start(report);
	else if (ops->n_ended != report->n_ended && ops->has_started && !ops->fleet->is_stopping &&
		 operation_find_changer(ops) == NULL)
		report_ready(report);
	else if (report->is_due || ops->jobs.has_news || ops->n_begun != report->n_begun)
		report_status(report);
	report->is_due = false;
	report->n_begun = ops->n_begun;
	if (operation_find_changer(ops) == NULL)
		report->n_ended = ops->n_ended;
	report->has_started = ops->has_started && operation_find(ops, ORDER_UPGRADE) == NULL;
}

void report_patience(struct report *report)
{
	const struct operations *ops = report->ops;
	int64_t now = clock_ms();

	if ((operation_find_changer(ops) == NULL && operation_find(ops, ORDER_STOP) == NULL) || now < report->extend_ms)
		return;
	report->extend_ms = now + EXTEND_MS / 2;
	notify_send("EXTEND_TIMEOUT_USEC=%d", EXTEND_MS * 1000);
}

/* No service takes the socket, and the service manager keeps it open: without this its clients would be let into the
 * queue and wait for ever. */
static void refuse_clients(const struct inherited *item, const char *text)
{
	if (item->datagram) {
		log_msg(LOG_WARNING, "inherited descriptor %d \"%s\" (%s) is closed: no service listens there",
			item->fd, item->name, text);
		return;
	}
	(void)shutdown(item->fd, SHUT_RDWR);
	log_msg(LOG_ERR,
		"inherited descriptor %d \"%s\" (%s): no service listens there; its clients are refused until its "
		"socket "
		"unit and this daemon are started again",
		item->fd, item->name, text);
}

void report_unfit(const struct inherited_set *inherited)
{
	for (size_t i = 0; i < inherited->n; i++) {
		const struct inherited *item = &inherited->items[i];
		char text[ADDR_TEXT_MAX] = "no address";

		if (item->fd < 0 || item->stored || item->unfit == NULL)
			continue;
		if (item->addr.len > 0)
			(void)addr_format(&item->addr, text, sizeof(text));
		log_msg(LOG_WARNING, "inherited descriptor %d \"%s\" (%s) is closed: %s", item->fd, item->name, text,
			item->unfit);
	}
}

void report_leftovers(const struct inherited_set *inherited)
{
	for (size_t i = 0; i < inherited->n; i++) {
		const struct inherited *item = &inherited->items[i];
		char text[ADDR_TEXT_MAX] = "no address";

		if (item->fd < 0 || (!item->stored && item->unfit != NULL))
			continue;
		(void)addr_format(&item->addr, text, sizeof(text));
		if (!item->stored) {
			refuse_clients(item, text);
			continue;
		}
		log_msg(LOG_NOTICE, "%s was kept for us, and is not configured any more: closed", text);
		fd_store_forget(item->name);
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

void report_dump(const struct report *report)
{
	const struct operations *ops = report->ops;
	char uptime[32];

	format_elapsed(clock_ms() - ops->fleet->started_ms, uptime, sizeof(uptime));
	log_msg(LOG_NOTICE, "state: %s, up for %s, %" PRIu64 " log lines lost", report->status, uptime, log_lost());
	for (size_t i = 0; i < ops->fleet->n_pools; i++) {
		const struct pool *pool = ops->fleet->pools[i];
		struct log_about about = pool_about(pool);
		struct counts t;

		status_counts(ops, pool, &t);

		for (size_t lane = 0; lane < pool->n_lanes; lane++)
			dump_lane(pool, lane);
		log_about(LOG_NOTICE, &about,
			  "%" PRIu64 " connections (%" PRIu64 " ended badly), %" PRIu64 " bytes in, %" PRIu64
			  " bytes out, %" PRIu64 " crashes",
			  t.accepted, t.failed, t.bytes_in, t.bytes_out, t.crashes);
	}
}
