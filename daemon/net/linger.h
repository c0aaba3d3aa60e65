/* SPDX-License-Identifier: MIT */
/*
 * Worker. Ends a connection without loss. If bytes are unread at close(2), or arrive later, the kernel sends a reset,
 * and then the part of our answer that the peer has not acknowledged is lost, and perhaps what it has not read. So this
 * shuts down our side, and reads and discards what the peer sends: first until the peer has the answer, within the
 * limits of the connection, and then for a moment until the peer has finished, too.
 */
#ifndef PREFORKD_NET_LINGER_H
#define PREFORKD_NET_LINGER_H

/* The bounds when the peer has acknowledged the answer. More bytes than a receive buffer holds, or the peer would find
 * a reset in place of the end. */
#define LINGER_MS    2000
#define LINGER_BYTES (16 << 20)

/*
 * Shuts our side of FD down and waits until the peer has acknowledged everything; on a unix socket, until it has read
 * everything. MOVED is called at the begin and when it has taken some. Has no limit of its own: returns early if the
 * peer is gone, or the connection is ended meanwhile by a signal handler. Does not wait if the peer has finished
 * sending: then nothing can come that would destroy the answer, and the kernel delivers it after close(2).
 */
void linger_deliver(int fd, void (*moved)(void));

/* Closes *fd and sets it to -1. Blocks for LINGER_MS at most, and not at all if the peer has finished. */
void linger_close(int *fd);

/* The same for MS at most, and only until a client waits at LISTENER (-1: regardless of clients). */
void linger_close_within(int *fd, int ms, int listener);

#endif
