/* SPDX-License-Identifier: MIT */
#include "fleet/fleet.h"

#include <preforkd/module.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "change/admin.h"
#include "change/reload.h"
#include "change/stop.h"
#include "config/config.h"
#include "control/status.h"
#include "fleet/lenders.h"
#include "fleet/retiring.h"
#include "master/report.h"
#include "master/state.h"
#include "net/inherited.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_new.h"
#include "pool/pool_watch.h"
#include "pool/wind_down.h"
#include "upgrade/upgrade.h"

#define BUSY_MS 1000 /* workers whose master was killed end their clients' connections, and hold our addresses */

/* ---- the start ---- */

/* The pool of this name that another image of this program had. */
static const struct pool *find_former(const struct master *master, const char *name)
{
	const struct pool *pool;

	DL_FOREACH (master->ending, pool)
		if (pool->state == POOL_SUPERSEDED && strcmp(pool->service->name, name) == 0)
			return pool;
	return NULL;
}

static void succeed(struct pool *pool, const struct pool *former)
{
	pool->proved = former->proved;
	if (former->was_paused)
		pool->state = POOL_PAUSED;
}

/* What is lent becomes ours, and what does not listen yet does so; while drained it only keeps its address. */
static int open_listeners(struct master *master, struct pool *pool, struct err *err)
{
	struct log_about about = pool_about(pool);
	struct err why;

	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];
		const struct config_service *from = NULL;

		if (listener->lender != NULL)
			from = offers_service(master, listener->lender);
		listener_take(listener);
		if (from != NULL && listener_change(listener, from, pool->service, &why) < 0)
			log_about(LOG_WARNING, &about, "%s: %s", listener->text, why.text);
		if (master->drained && !listener->listening)
			listener->refusing = true;
		else if (!master->drained && listener_readmit(listener, pool->service, &why) < 0)
			log_about(LOG_ERR, &about, "%s", why.text); /* as before: an undrain had failed */
		else if (listener_start(listener, pool->service, err) < 0)
			return -1;
		listener_keep(listener, pool->service->name);
	}
	return 0;
}

/* Somebody resized it: the pool is made with these limits, unless the configuration has changed too much for them. */
static bool resized_limits(const struct pool *former, const struct config_service *service, size_t n_lanes,
			   struct config_workers *out)
{
	if (former == NULL || !former->was_resized || former->limits.min < 0 ||
	    former->limits.max > CONFIG_WORKERS_MOST || former->limits.max < (int64_t)n_lanes ||
	    former->limits.min * (int64_t)n_lanes > former->limits.max)
		return false;
	*out = service->workers;
	out->min = former->limits.min;
	out->max = former->limits.max;
	if (out->min_spare > out->max)
		out->min_spare = out->max;
	return true;
}

static int open_pool(struct master *master, const struct config_service *service, const struct listener_offers *offers,
		     struct inherited_set *inherited, struct err *err)
{
	const struct pool *former = find_former(master, service->name);
	struct pool_parts parts = {
		.event = master->event,
		.generation = master->generation,
		.service = service,
		.totals = former != NULL ? former->totals : NULL,
		.sources = former != NULL ? former->sources : NULL,
		.former = former,
		.by_pid = &master->by_pid,
		.dead = master->dead,
	};
	struct config_workers limits;
	struct pool *pool;

	if (listener_open_all(service, offers, inherited, master->started_ms + BUSY_MS, &parts.listeners,
			      &parts.n_listeners, err) < 0)
		return -1;
	if (resized_limits(former, service, parts.n_listeners, &limits))
		parts.limits = &limits;
	pool = pool_new(&parts, err);
	if (pool == NULL)
		return -1;
	master->pools[master->n_pools++] = pool;
	if (open_listeners(master, pool, err) < 0)
		return -1;
	pool->state = POOL_SERVING;
	if (former != NULL)
		succeed(pool, former);
	if (master->drained)
		wind_down_begin(pool, POOL_DRAINING, "drain");
	if ((service->handler->flags & PREFORKD_COMMAND) != 0)
		master->has_programs = true;
	return pools_watch(master, pool, err);
}

int pools_open(struct master *master, struct inherited_set *inherited, struct err *err)
{
	const struct config *config = master->generation->config;
	struct listener_offers offers;
	struct err why;
	int rc = 0;

	if (offers_collect(master, &offers, err) < 0)
		return -1;
	master->pools = calloc(config->n_services, sizeof(struct pool *));
	if (master->pools == NULL)
		rc = err_set(err, "no memory for %zu services", config->n_services);
	for (size_t i = 0; i < config->n_services && rc == 0; i++) {
		rc = open_pool(master, &config->services[i], &offers, inherited, &why);
		if (rc < 0)
			(void)err_set(err, "service \"%s\": %s", config->services[i].name, why.text);
	}
	offers_clear(&offers);
	return rc;
}

void pools_close(struct master *master)
{
	struct pool *pool, *next;

	for (size_t i = 0; i < master->n_pools; i++)
		pool_free(&master->pools[i]);
	free(master->pools);
	DL_FOREACH_SAFE (master->ending, pool, next) {
		DL_DELETE(master->ending, pool);
		pool_free(&pool);
	}
}

/* ---- ever since ---- */

static void fail_start(struct master *master, const char *service)
{
	const struct log_about about = {
		.service = service,
		.message_id = MESSAGE_ID_START_FAILED,
	};

	log_about(LOG_ERR, &about, "its workers cannot start; giving up");
	stop_begin(master, STOP_AS_SYSTEMD_SAYS, EX_OSERR);
	stop_now(master, "the start failed");
}

/* The start is over when every worker that was started is ready, or as soon as one cannot be. */
static void watch_start(struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++) {
		if (master->pools[i]->failed_start) {
			fail_start(master, master->pools[i]->service->name);
			return;
		}
		if (master->pools[i]->state == POOL_SERVING && !pool_all_ready(master->pools[i]))
			return;
	}
	master->phase = MASTER_SERVING;
	if (master->upgrade == NULL) /* else it has the word */
		report_ready(master);
	if (master->launch->when_ready != NULL)
		master->launch->when_ready();
	reload_started(master);
}

static void look_after(struct master *master, struct pool *pool, bool tick)
{
	if (master->phase == MASTER_STOPPING)
		return;
	pool_look_after(pool, tick);
	if (master->phase == MASTER_STARTING)
		watch_start(master);
}

static void on_ring(struct pool *pool, void *userdata)
{
	struct master *master = userdata;

	if (master->phase == MASTER_STOPPING || pool_winds_down(pool)) {
		board_answer(&pool->board, pool->ring);
		if (master->phase == MASTER_STOPPING)
			stop_step(master);
		else
			ending_step(master); /* may free the pool */
		return;
	}
	look_after(master, pool, false);
	reload_step(master);
}

int pools_watch(struct master *master, struct pool *pool, struct err *err)
{
	return pool_watch(pool, on_ring, master, err);
}

static void sample(struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++) {
		struct counts c;

		status_counts(master, master->pools[i], &c);
		totals_sample(master->pools[i]->totals, c.accepted);
	}
}

void pools_look_after(struct master *master, bool tick)
{
	if (master->phase == MASTER_STOPPING) {
		stop_step(master);
		return;
	}
	if (tick)
		sample(master);
	for (size_t i = 0; i < master->n_pools && master->phase != MASTER_STOPPING; i++)
		look_after(master, master->pools[i], tick);
	ending_step(master);
	reload_step(master);
	admin_step(master);
	upgrade_step(master);
}

void pools_reaped(struct master *master, pid_t pid, int status)
{
	struct proc *proc;

	HASH_FIND(by_pid, master->by_pid, &pid, sizeof(pid), proc);
	if (proc != NULL)
		pool_worker_gone(proc->pool, proc, status);
	else if (!reload_reaped(master, pid, status) && !upgrade_reaped(master, pid, status))
		/* adopted, or here before us: normal, and nobody's business */
		log_msg(LOG_DEBUG, "reaped process %d", (int)pid);
}
