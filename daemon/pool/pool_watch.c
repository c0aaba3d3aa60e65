/* SPDX-License-Identifier: MIT */
#include "pool/pool_watch.h"

#include <time.h>

#include "base/err.h"
#include "pool/pool.h"
#include "pool/pool_full.h"
#include "pool/source_rest.h"

static int look(struct pool *pool)
{
	pool->on_ring(pool, pool->on_ring_data); /* may free the pool */
	return 0;
}

/* A worker that ran wild can ring without end, so looks that workers ask for are SOURCE_REST_US apart. */
static int on_ring_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pool *pool = userdata;
	uint64_t now;

	(void)fd;
	(void)revents;
	if (sd_event_now(pool->event, CLOCK_MONOTONIC, &now) >= 0) {
		if (now - pool->rung_us < SOURCE_REST_US) {
			source_rest(source, &pool->ring_timer);
			return 0;
		}
		pool->rung_us = now;
	}
	return look(pool);
}

/* The pool is at its maximum, and a client has entered a queue that was empty: no worker rings then. */
static int on_queue_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	pool_full_heard(userdata);
	return look(userdata);
}

static int on_full_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return look(userdata);
}

int pool_watch(struct pool *pool, void (*on_ring)(struct pool *pool, void *userdata), void *userdata, struct err *err)
{
	int rc;

	pool->on_ring = on_ring;
	pool->on_ring_data = userdata;
	rc = sd_event_add_io(pool->event, &pool->ring_source, pool->ring, EPOLLIN, on_ring_readable, pool);
	if (rc >= 0)
		return pool_full_watch(pool, on_queue_readable, on_full_timer, err);
	return err_code(err, -rc, "cannot watch a pool");
}
