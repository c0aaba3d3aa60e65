/* SPDX-License-Identifier: MIT */
/*
 * Master. Bounds the time that the event loop spends on a descriptor which others can make readable as often as they
 * like: the ring of a pool, the socket that programs notify through. What comes during a rest waits in the kernel.
 */
#ifndef PREFORKD_POOL_SOURCE_REST_H
#define PREFORKD_POOL_SOURCE_REST_H

#include <systemd/sd-event.h>

#define SOURCE_REST_US 1000

/*
 * Turns SOURCE off, and on again after SOURCE_REST_US. *TIMER is NULL before the first rest, and the caller's from then
 * on: it must be freed before SOURCE. If there is no timer to be had, SOURCE stays on.
 */
void source_rest(sd_event_source *source, sd_event_source **timer);

#endif
