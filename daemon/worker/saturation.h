/* SPDX-License-Identifier: MIT */
/*
 * Are all workers of this address busy, and are clients waiting in its queue; or are they turned away, because those
 * who are left are kept for others, or for that? Tells services/deadline.h, which knows neither board nor listener,
 * when it may be less patient.
 */
#ifndef PREFORKD_WORKER_SATURATION_H
#define PREFORKD_WORKER_SATURATION_H

struct board_head;
struct board_lane;

/* Once, when the worker starts. LISTENER is what orders.h lays a dead descriptor over. */
void saturation_init(const struct board_head *head, const struct board_lane *lane, int listener);

#endif
