/* SPDX-License-Identifier: MIT */
/*
 * Worker. Finds out whether the client of a running program is gone. A half-close (the client has only finished
 * sending) is not. On TCP the client is gone when the connection was reset, or the kernel gave it up. On a unix socket
 * it is gone when it has closed; since a client may close as soon as it has sent its request, the program is given time
 * to read the request and to do what it says: HANGUP_QUIET_MS from the moment when nothing unread is left.
 */
#ifndef PREFORKD_SERVICES_HANGUP_H
#define PREFORKD_SERVICES_HANGUP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define HANGUP_QUIET_MS 1000

struct hangup {
	int fd;		  /* the client's */
	int64_t next_ms;  /* when to look again (base/clock.h); 0: only when poll(2) reports an event */
	int64_t quiet_ms; /* since when nothing unread is left; 0: something is, or there was no look yet */
};

void hangup_begin(struct hangup *hangup, int fd);

/* Is the client gone? To be called when poll(2), with events = 0, reports an event on the socket, and when next_ms has
 * come. After the first event the socket must be left out of poll(2), which would report the same event again at once.
 */
bool hangup_look(struct hangup *hangup, int64_t now);

/* Why the client is gone, as an errno value; 0: not known, because the program has fetched it (SO_ERROR is cleared when
 * it is read). To be called only after the program has ended, so that it is not taken away from the program. */
int hangup_reason(int fd);

#endif
