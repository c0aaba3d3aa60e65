/* SPDX-License-Identifier: MIT */
/* Master. Makes a pool and frees it. */
#ifndef PREFORKD_POOL_POOL_NEW_H
#define PREFORKD_POOL_POOL_NEW_H

#include <stddef.h>
#include <systemd/sd-event.h>

struct config_service;
struct config_workers;
struct err;
struct generation;
struct listener;
struct pool;
struct proc;
struct sources;
struct totals;

/* The parts of a new pool. */
struct pool_parts {
	sd_event *event;	       /* not owned; NULL: a rehearsal */
	struct generation *generation; /* the pool takes a reference */
	const struct config_service *service;
	const struct config_workers *limits; /* NULL: the service's */
	struct listener *listeners;	     /* taken over, also on an error */
	size_t n_listeners;
	struct totals *totals;	   /* the pool takes a reference; NULL: it makes new ones */
	const struct pool *former; /* a pool of the same service, whose knowledge of upstreams is copied; NULL: none */
	struct sources *sources;   /* the same; the pool makes a new table if the size in the configuration differs */
	struct proc **by_pid;	   /* not owned */
	int dead;		   /* not owned */
};

/* A pool in state POOL_HELD, with a board and an eventfd and without any worker. NULL and *err: no resources. */
struct pool *pool_new(const struct pool_parts *parts, struct err *err);

/* Frees a pool that has no workers any more, and closes its listeners. *pool becomes NULL; NULL is allowed. */
void pool_free(struct pool **pool);

#endif
