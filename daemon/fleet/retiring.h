/* SPDX-License-Identifier: MIT */
/*
 * Master. Pools that come to rest while the daemon goes on: former generations, removed services, and the services
 * of a drained daemon, which also come back from here when the drain is undone.
 */
#ifndef PREFORKD_FLEET_RETIRING_H
#define PREFORKD_FLEET_RETIRING_H

#include <stdbool.h>
#include <stddef.h>

struct fleet;
struct pool;

/* At most so many former generations of one service serve on; then the oldest is cut. timeouts.drain bounds them
 * anyway, unless it is unlimited. */
#define RETIRING_MAX 64

/* POOL is no longer one of fleet->pools: it is freed when its last worker has gone. */
void retiring_add(struct fleet *fleet, struct pool *pool);

/* The workers of all retiring pools have heard it: none of them takes another client. */
bool retiring_has_heard(const struct fleet *fleet);

/* After listeners were quiesced: waits until no packet is on its way any more that was let through before
 * (net/listen_quiesce.h). Takes some milliseconds where a pool still takes clients from a queue, else no time. */
void retiring_settle(const struct fleet *fleet);

/* Cuts the oldest former generation of NEWEST's service if there are too many. */
void retiring_bound(struct fleet *fleet, const struct pool *newest);

/* Does what can be done now; may free pools. Call it after each event that concerned a pool. A timer of its own calls
 * the loop back for as long as there is something to do. */
void retiring_step(struct fleet *fleet);

/*
 * The daemon is not drained any more: brings back those services that can be. SOCKETS_ARE_OURS: no process but the
 * workers that serve them has our sockets. FAILED (may be NULL) is told of each address that could not be had again.
 * Returns how many services are still on their way back.
 */
size_t retiring_undrain(struct fleet *fleet, bool sockets_are_ours, void (*failed)(const char *why, void *userdata),
			void *userdata);

#endif
