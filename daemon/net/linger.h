/* SPDX-License-Identifier: MIT */
/*
 * The end of a connection. close(2) with unread bytes in the socket, or bytes that arrive later, sends a
 * reset, and the peer's kernel may throw away what it has not read of our answer. So: say that we are done,
 * read and discard what still comes until the peer is done too, in bounds, and only then close.
 */
#ifndef PREFORKD_NET_LINGER_H
#define PREFORKD_NET_LINGER_H

#define LINGER_MS    2000
#define LINGER_BYTES 65536

/* Closes *fd and sets it to -1. Blocks for at most LINGER_MS, and not at all when the peer has already
 * finished; ends early when somebody shuts the socket down. */
void linger_close(int *fd);

/* The same for at most MS, and not while somebody waits at LISTENER (-1: whoever waits). */
void linger_close_within(int *fd, int ms, int listener);

#endif
