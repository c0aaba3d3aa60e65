/* SPDX-License-Identifier: MIT */
/* Client. Carries datagrams between a connected socket and a pair of descriptors. */
#ifndef PREFORKD_CLIENT_DATAGRAMS_H
#define PREFORKD_CLIENT_DATAGRAMS_H

#include <stdint.h>

struct err;

#define DATAGRAMS_PATIENCE_MS 1000

/*
 * Sends the bytes of each read(2) of IN as one datagram, and writes datagrams that arrive to OUT. Datagrams cannot pass
 * on an end of input: after the end of IN the function returns when nothing was sent or received for IDLE_MS
 * (0: DATAGRAMS_PATIENCE_MS); before, when nothing was for IDLE_MS (0: no limit). 0, or -1 if anything failed.
 */
int datagrams_run(int in, int out, int sock, int64_t idle_ms, struct err *err);

#endif
