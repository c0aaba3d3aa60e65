/* SPDX-License-Identifier: MIT */
/*
 * Worker. Tells services/deadline.h, which knows neither board nor listener, when timeouts.first_byte_busy applies:
 * when all workers of this listener are busy and clients wait in its queue; or when clients are being refused, because
 * the workers that are left are reserved.
 */
#ifndef PREFORKD_WORKER_SATURATION_H
#define PREFORKD_WORKER_SATURATION_H

struct board_head;
struct board_lane;

/* Once, when the worker starts, after orders_init(). LISTENER is the descriptor that orders.c replaces. */
void saturation_init(const struct board_head *head, const struct board_lane *lane, int listener);

#endif
