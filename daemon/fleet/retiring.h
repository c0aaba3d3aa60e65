/* SPDX-License-Identifier: MIT */
/*
 * Master. Pools that wind down while the daemon goes on: those of former generations and of removed services, which are
 * freed at the end, and those of a drained daemon, which an undrain brings back.
 */
#ifndef PREFORKD_FLEET_RETIRING_H
#define PREFORKD_FLEET_RETIRING_H

#include <stdbool.h>
#include <stddef.h>

struct fleet;
struct pool;

/* So many former generations of one service may still have clients; with one more, the clients of the oldest are cut.
 * This matters only where timeouts.drain is unlimited, or long. */
#define RETIRING_MAX 64

/* Takes POOL over, which is no longer in fleet->pools, and frees it when its last worker has ended. */
void retiring_add(struct fleet *fleet, struct pool *pool);

/* Every retired worker of the pools in fleet->retiring has heard the order: none of them takes another client. */
bool retiring_has_heard(const struct fleet *fleet);

/* To be called after listeners were quiesced: waits until no packet is on its way that was let in before
 * (listen_settle() of net/listen_quiesce.h). Blocks for 8 to 20 ms if a retiring pool still serves a queue, else not.
 */
void retiring_settle(const struct fleet *fleet);

/* Cuts the clients of the oldest former generation of NEWEST's service if there are more than RETIRING_MAX. */
void retiring_bound(struct fleet *fleet, const struct pool *newest);

/* Does what can be done now, and frees pools that have no worker any more. To be called after each event that concerns
 * a pool, but never while a function still uses one. Sets a timer that calls it again as long as there is more to do.
 */
void retiring_step(struct fleet *fleet);

/*
 * Brings back the services of a drained daemon, as far as possible now (wind_down_may_undo()). SOCKETS_ARE_OURS: no
 * process has copies of our sockets, but for the workers that serve them. FAILED (may be NULL) is called for each
 * address that could not be bound again. Returns how many services are still to be brought back.
 */
size_t retiring_undrain(struct fleet *fleet, bool sockets_are_ours, void (*failed)(const char *why, void *userdata),
			void *userdata);

#endif
