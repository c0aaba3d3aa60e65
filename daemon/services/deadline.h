/* SPDX-License-Identifier: MIT */
/*
 * Worker. Time limits of the connection that it serves, without a system call for each read and write. One timer
 * (SIGALRM) fires now and then; its handler (deadline_look.c) looks at what the service has noted, and at what the
 * kernel knows of a TCP connection (net/tcp_info.h). When a limit has passed, the handler resets the connection, or
 * shuts it down: that ends a blocked call and every later one alike, so a signal that comes just before a call is not
 * lost.
 *
 * There is a look at least every quarter of a limit. What the kernel counts but does not date gets the time of the look
 * that finds it changed: so idle and send may cut up to a quarter of the limit late, but never early (by more than the
 * kernel's tick).
 *
 * One process, one connection: the state is file-level (deadline_state.h). No function here blocks.
 */
#ifndef PREFORKD_SERVICES_DEADLINE_H
#define PREFORKD_SERVICES_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "services/deadline_limits.h"

/* Installs the handler. Once, when the worker starts. RESETS: a TCP connection that is cut is reset, unless nothing was
 * asked of it and nothing was written to it. */
void deadline_init(bool resets);

/* SATURATED says whether clients wait while no worker is free. The signal handler calls it, so it must be
 * async-signal-safe. Without it first_byte_busy does not apply. */
void deadline_saturated(bool (*saturated)(void));

/* A new connection: the limits hold for FD until deadline_end(). TOTAL_DUE (base/clock.h; 0: never) is in force at
 * once. FD is cut at once if the worker has been ordered to cut. */
void deadline_begin(int fd, int64_t total_due);

/* Before the other limits: the PROXY header must be complete at DUE (base/clock.h; 0: it is). */
void deadline_proxy(int64_t due);

/* The other limits are in force from now on. *LIMITS is copied. */
void deadline_limit(const struct deadline_limits *limits);

/* The service is about to wait for the client, or a part of a longer write has gone. Cheap: called for each read and
 * write. */
void deadline_waits(enum deadline_wait what);

/* The wait is over. */
void deadline_waited(void);

/* The client's first byte has come. After deadline_limit(). */
void deadline_greeted(void);

/*
 * The service passes the client's bytes on to the socket FD (-1: no longer). Bytes that move there count for the idle
 * limit: the kernel buffers much for a slow peer, and neither the client nor the service may move meanwhile.
 */
void deadline_beyond(int fd);

/* A limit of the service's own, besides the others: cuts at DUE (base/clock.h; 0: never), until the next call or the
 * end of the connection. */
void deadline_own(int64_t due);

/* No limit is in force any more; the caller may close the socket. */
void deadline_end(void);

/* The limit that cut the connection; valid until the next deadline_begin(). An order is not among them:
 * deadline_was_cut(). */
enum deadline_kind deadline_passed(void);

/* The worker was ordered to leave now: its connection is cut. */
bool deadline_was_cut(void);

/* The same, because its master is gone. */
bool deadline_is_orphan(void);

/* What cut the connection has reset it. Then the kernel has forgotten its counters: *IN_OUT and *OUT_OUT are the bytes
 * that had come from the client and had been written to it. */
bool deadline_was_reset(uint64_t *in_out, uint64_t *out_out);

#endif
