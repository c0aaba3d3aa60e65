/* SPDX-License-Identifier: MIT */
/*
 * Carries bytes between two sockets, both ways at once, until both ways have ended. The end of one way is passed on
 * as such while the other goes on. Small messages are copied; where a read fills the buffer, that way goes
 * through a pipe (splice(2)) and the bytes are not touched any more. What one side does not take is
 * not read from the other: memory is bounded by the buffer or the pipe of each way.
 *
 * Buffers and pipes are kept for the next pair: one pair at a time in a process. Nothing here logs or has limits
 * of its own; the caller is asked before every wait.
 */
#ifndef PREFORKD_NET_RELAY_H
#define PREFORKD_NET_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#define RELAY_COPY 32768  /* bytes of one read that is copied; one that has fewer stays copied */
#define RELAY_PIPE 262144 /* asked for a pipe; how much it is becomes the kernel's choice when that is refused */

enum relay_end {
	RELAY_DONE,	/* both sides have finished, and have everything */
	RELAY_ENDED,	/* ended() said so */
	RELAY_CLIENT,	/* the client's side failed: `code` says how */
	RELAY_UPSTREAM, /* the other one did */
};

enum relay_wait {
	RELAY_OVER,   /* for nothing any more */
	RELAY_READS,  /* for the client to send, or the upstream */
	RELAY_WRITES, /* for the client to take what there is for it */
};

struct relay {
	int client;   /* a stream socket; becomes non-blocking when splice(2) needs it */
	int upstream; /* a stream socket, non-blocking */
	int code;     /* errno of the failure */
	/* So many bytes more have been read from the client and sent to it. Before each wait, and at the end. */
	void (*moved)(void *arg, uint64_t in, uint64_t out, enum relay_wait wait);
	/* Asked after each wait, and before an end is passed on; true ends it. Whoever makes it true in a signal
	 * handler also shuts the client's socket down, or the wait does not end. */
	bool (*ended)(void *arg);
	void *arg;
};

/* The sockets stay the caller's, and open. */
enum relay_end relay_carry(struct relay *relay);

/*
 * Whether the connection FD, which nobody reads yet, is over, by what poll(2) said of it. A unix socket hangs up when
 * its peer has closed, whatever is still to be read: that is none, but from then on poll(2) has no other news of it.
 */
bool relay_is_over(int fd, short revents);

/* Closes *FD so that the peer sees a reset, not an end: what it has got is not all. Waits up to RELAY_LAST_MS until the
 * peer's kernel has what was sent before, which a reset would throw away. A unix socket has no reset. */
#define RELAY_LAST_MS 500
void relay_reset(int *fd);

#endif
