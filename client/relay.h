/* SPDX-License-Identifier: MIT */
/*
 * Carries bytes between a socket and a pair of descriptors, in both directions at once. An end of
 * input is passed on as an end of output, so that either side may finish first.
 */
#ifndef PREFORKD_CLIENT_RELAY_H
#define PREFORKD_CLIENT_RELAY_H

#include <stdint.h>

struct err;

/*
 * IN goes to SOCK and SOCK to OUT until both have ended. SOCK must be non-blocking; IN and OUT
 * are left as they are, for other processes may share them. OUT is closed when the peer has finished.
 * Input from a terminal is no longer waited for then. Silence in both
 * directions for IDLE_MS is a failure, unless that is 0. 0, or -1 if anything was cut.
 */
int relay_run(int in, int out, int sock, int64_t idle_ms, struct err *err);

#endif
