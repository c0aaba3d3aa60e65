/* SPDX-License-Identifier: MIT */
#include "pool/untaken.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "config/config.h"
#include "net/listen.h"
#include "net/listen_queue.h"
#include "pool/copies.h"
#include "pool/pool.h"

#define LOOK_TICKS 10 /* between two looks at those that wait, and before the first */

/* The number of programs that should take the clients of LANE now. Those of a paused service wait by order. */
static int64_t count_takers(const struct pool *pool, size_t lane)
{
	const struct listener *listener = &pool->listeners[lane];

	if (!pool->service->program.runs || pool->state != POOL_SERVING || pool_rests(pool) || listener->fd < 0 ||
	    listener->key.datagram || listener->refusing || listener->quiesced_ms != 0)
		return 0;
	return copies_count(pool, lane).ready;
}

static void tell(const struct pool *pool, size_t lane, int64_t takers)
{
	const struct listener *listener = &pool->listeners[lane];
	struct log_about about = pool_about(pool);
	struct listen_queue queue;
	char who[64] = "the program";

	if (listen_queue(listener->fd, &queue) < 0 || queue.queued <= 0)
		queue.queued = 1;
	if (takers > 1)
		(void)snprintf(who, sizeof(who), "none of the %" PRId64 " programs", takers);
	log_about(LOG_WARNING, &about, "%s: %" PRId64 " client%s, and %s takes %s; does it accept on descriptor 3?",
		  listener->text, queue.queued, queue.queued == 1 ? " waits" : "s wait", who,
		  takers > 1 ? "any" : "none");
}

static void tell_over(const struct pool *pool, size_t lane)
{
	struct log_about about = pool_about(pool);

	log_about(LOG_NOTICE, &about, "%s: clients are taken again", pool->listeners[lane].text);
}

static void look(struct pool *pool, size_t lane, int64_t takers)
{
	struct pool_lane *memory = &pool->lane_memory[lane];
	enum listen_taking taking;
	struct listen_waiting now;

	if (listen_waiting_look(pool->listeners[lane].fd, &now) < 0)
		return;
	taking = listen_waiting_compare(&memory->waiting, &now);
	listen_waiting_free(&memory->waiting);
	memory->waiting = now;
	if (taking == TAKING_NONE && !memory->untaken) {
		memory->untaken = true;
		tell(pool, lane, takers);
	} else if (taking == TAKING_SOME && memory->untaken) {
		memory->untaken = false;
		tell_over(pool, lane);
	}
}

static void look_at_lane(struct pool *pool, size_t lane)
{
	struct pool_lane *memory = &pool->lane_memory[lane];
	int64_t takers = count_takers(pool, lane);

	if (takers > 0 && listen_pending(pool->listeners[lane].fd)) {
		if (++memory->waited % LOOK_TICKS == 0)
			look(pool, lane, takers);
		return;
	}
	if (takers > 0 && memory->untaken)
		tell_over(pool, lane);
	memory->untaken = false;
	memory->waited = 0;
	listen_waiting_free(&memory->waiting);
}

void untaken_tick(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_lanes; i++)
		look_at_lane(pool, i);
}
