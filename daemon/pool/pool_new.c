/* SPDX-License-Identifier: MIT */
#include "pool/pool_new.h"

#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/err.h"
#include "base/fds.h"
#include "pool/pool.h"
#include "pool/pool_full.h"
#include "pool/pool_targets.h"
#include "pool/program_notify.h"
#include "pool/worker_output.h"

static int make_board(struct pool *pool, struct err *err)
{
	if ((int64_t)pool->n_lanes > pool->limits.max)
		return err_set(err, "%zu sockets need a worker each, but workers.max is %lld", pool->n_lanes,
			       (long long)pool->limits.max);
	if (board_create(&pool->board, pool->n_lanes, pool_slots(&pool->limits, pool->n_lanes), err) < 0)
		return -1;
	pool_publish(pool);
	return 0;
}

/* The table of the generation before is kept, if it can be: it knows the same clients. */
static int take_sources(struct pool *pool, struct sources *former, struct err *err)
{
	size_t n = (size_t)pool->service->access.sources;

	pool->sources = former != NULL && former->n_records == n ? sources_ref(former) : sources_new(n, err);
	return pool->sources != NULL ? 0 : -1;
}

static int make_ring(struct pool *pool, struct err *err)
{
	pool->ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pool->ring >= 0 ? 0 : err_sys(err, "cannot create an eventfd");
}

/* Everything of POOL that may fail. */
static int make_parts(struct pool *pool, const struct pool_parts *parts, struct err *err)
{
	if (pool->lanes == NULL || pool->lane_memory == NULL || pool->totals == NULL)
		return err_set(err, "no memory for a pool");
	if (make_board(pool, err) < 0 || take_sources(pool, parts->sources, err) < 0 || pool_full_new(pool, err) < 0 ||
	    pool_targets_make(pool, parts->former, err) < 0)
		return -1;
	if (pool->service->program.runs && program_notify_open(pool, err) < 0)
		return -1;
	return make_ring(pool, err);
}

struct pool *pool_new(const struct pool_parts *parts, struct err *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL) {
		listener_give_back(parts->listeners, parts->n_listeners);
		(void)err_set(err, "no memory for a pool");
		return NULL;
	}
	*pool = (struct pool){
		.event = parts->event,
		.state = POOL_HELD,
		.generation = generation_ref(parts->generation),
		.service = parts->service,
		.limits = parts->limits != NULL ? *parts->limits : parts->service->workers,
		.listeners = parts->listeners,
		.n_lanes = parts->n_listeners,
		.by_pid = parts->by_pid,
		.dead = parts->dead,
		.ring = -1,
		.targets = -1,
		.board = {.fd = -1},
		.own = totals_own_names(parts->service->handler),
		.totals = parts->totals != NULL ? totals_ref(parts->totals) : totals_new(),
		.lanes = calloc(parts->n_listeners, sizeof(*pool->lanes)),
		.lane_memory = calloc(parts->n_listeners, sizeof(*pool->lane_memory)),
	};
	if (make_parts(pool, parts, err) < 0)
		pool_free(&pool);
	return pool;
}

static void free_stand_in(struct config_service *service)
{
	if (service == NULL)
		return;
	free(service->socket.device);
	free(service->upstreams.list);
	free(service->name);
	free(service);
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	*pool = NULL;
	if (p == NULL)
		return;
	pool_full_free(p);
	program_notify_close(p);
	worker_output_free(&p->output);
	for (size_t i = 0; i < p->n_lanes && p->lane_memory != NULL; i++)
		listen_waiting_free(&p->lane_memory[i].waiting);
	listener_give_back(p->listeners, p->n_lanes);
	board_close(&p->board);
	free(p->lanes);
	free(p->lane_memory);
	(void)sd_event_source_disable_unref(p->ring_timer);
	free(p->last_end);
	(void)sd_event_source_disable_unref(p->ring_source);
	fd_close(&p->ring);
	fd_close(&p->targets);
	totals_unref(&p->totals);
	sources_unref(&p->sources);
	generation_unref(&p->generation);
	free_stand_in(p->stand_in);
	free(p);
}
