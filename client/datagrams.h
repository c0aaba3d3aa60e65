/* SPDX-License-Identifier: MIT */
/* Carries datagrams between a connected socket and a pair of descriptors. */
#ifndef PREFORKD_CLIENT_DATAGRAMS_H
#define PREFORKD_CLIENT_DATAGRAMS_H

#include <stdint.h>

struct err;

#define DATAGRAMS_PATIENCE_MS 1000

/*
 * What one read(2) of IN gives goes out as one datagram; those that come go to OUT. A datagram has
 * no end of input to pass on: after the end of IN, silence for IDLE_MS (0: DATAGRAMS_PATIENCE_MS)
 * ends it all. Before, silence for IDLE_MS does so too, unless it is 0. 0, or -1 if anything failed.
 */
int datagrams_run(int in, int out, int sock, int64_t idle_ms, struct err *err);

#endif
