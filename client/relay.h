/* SPDX-License-Identifier: MIT */
/*
 * Client. Carries bytes between a socket and a pair of descriptors, in both directions at once. An end of input is
 * passed on as an end of output, so that either side may finish first.
 */
#ifndef PREFORKD_CLIENT_RELAY_H
#define PREFORKD_CLIENT_RELAY_H

#include <stdint.h>

struct err;

/*
 * Carries IN to SOCK and SOCK to OUT until both have ended. SOCK must be non-blocking; IN and OUT may be blocking and
 * shared with other processes. Closes OUT when the peer has finished, and then no longer waits for input from a
 * terminal. It is a failure if no byte moves for IDLE_MS (0: no limit). 0, or -1 if anything was cut.
 */
int relay_run(int in, int out, int sock, int64_t idle_ms, struct err *err);

#endif
