/* SPDX-License-Identifier: MIT */
/*
 * Worker. Closes a connection without loss. If bytes are unread at close(2), or arrive later, the kernel sends a reset,
 * and the peer's kernel may discard the part of our answer that the peer has not read. So this shuts down our side,
 * reads and discards until the peer has finished, within bounds, and then closes.
 */
#ifndef PREFORKD_NET_LINGER_H
#define PREFORKD_NET_LINGER_H

#define LINGER_MS    2000
#define LINGER_BYTES 65536

/* Closes *fd and sets it to -1. Blocks for LINGER_MS at most, and not at all if the peer has finished; returns early if
 * the socket is shut down meanwhile. */
void linger_close(int *fd);

/* The same for MS at most, and only until a client waits at LISTENER (-1: regardless of clients). */
void linger_close_within(int *fd, int ms, int listener);

#endif
