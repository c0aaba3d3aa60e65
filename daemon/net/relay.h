/* SPDX-License-Identifier: MIT */
/*
 * Worker. Carries bytes between two sockets, in both directions ("ways") at once, until both have ended. The end of one
 * way is passed on while the other way continues. Small messages are copied; when a read fills the buffer, that way
 * continues through a pipe (splice(2)) without copying. Bytes that one side does not take are not read from the other
 * side: the buffer or pipe of each way bounds the memory.
 *
 * Owns buffers and pipes, which are kept for the next pair: a process carries one pair at a time. Does not log and has
 * no time limits; it calls the caller before every wait.
 */
#ifndef PREFORKD_NET_RELAY_H
#define PREFORKD_NET_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#define RELAY_COPY 32768  /* bytes of one read that is copied; a way with smaller reads is always copied */
#define RELAY_PIPE 262144 /* size that we ask for a pipe; if the kernel refuses, its default stays */

enum relay_end {
	RELAY_DONE,	/* both sides have finished, and all bytes are passed on */
	RELAY_ENDED,	/* ended() returned true */
	RELAY_CLIENT,	/* the client's side failed with `code` */
	RELAY_UPSTREAM, /* the upstream's side failed with `code` */
};

enum relay_wait {
	RELAY_OVER,   /* no wait follows: the end */
	RELAY_READS,  /* until the client or the upstream sends */
	RELAY_WRITES, /* until the client takes the bytes for it */
	RELAY_CLOSES, /* until the client sends or finishes: the upstream has finished, and the client was told so */
};

struct relay {
	int client;   /* a stream socket; becomes non-blocking when splice(2) needs it */
	int upstream; /* a stream socket, non-blocking */
	int code;     /* errno of the failure */
	/* Called before each wait and at the end: IN more bytes were read from the client, OUT more were sent to it. */
	void (*moved)(void *arg, uint64_t in, uint64_t out, enum relay_wait wait);
	/* Called after each wait and before an end is passed on; true: stop carrying. A signal handler that makes it
	 * true must also shut the client's socket down, or a wait would not end. */
	bool (*ended)(void *arg);
	void *arg;
};

/* Blocks until the end. The sockets stay open and belong to the caller. */
enum relay_end relay_carry(struct relay *relay);

/*
 * True if the connection FD, from which nothing was read yet, is over; REVENTS is from poll(2). On a unix socket
 * POLLHUP comes when the peer has closed, even if bytes are unread; then the connection is not over, but poll(2)
 * reports POLLHUP for ever.
 */
bool relay_is_over(int fd, short revents);

/* Closes *FD with a reset, so that the peer does not take an incomplete answer for a complete one. Before, waits
 * RELAY_LAST_MS at most until the peer's kernel has the bytes that were sent: a reset discards them. A unix socket has
 * no reset. */
#define RELAY_LAST_MS 500
void relay_reset(int *fd);

#endif
