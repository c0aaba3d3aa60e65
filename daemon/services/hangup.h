/* SPDX-License-Identifier: MIT */
/*
 * Is the client of a program gone, while the program goes on? Not when it has only finished sending (a half-close).
 * TCP: it was reset, or the kernel has given it up. A unix socket: it was closed; that is also how a client leaves that
 * has said all it had to say, so what it sent is read first, and some time is given to do what it says.
 */
#ifndef PREFORKD_SERVICES_HANGUP_H
#define PREFORKD_SERVICES_HANGUP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define HANGUP_QUIET_MS 1000 /* after the last byte was read from a unix socket */

struct hangup {
	int fd;		  /* the client's */
	int64_t next_ms;  /* when to look again; 0: not before poll(2) says something */
	int64_t quiet_ms; /* since when nothing unread is there; 0: there is, or nobody has looked */
};

void hangup_begin(struct hangup *hangup, int fd);

/* Poll has said something of the socket, asked with events = 0, or the time to look again has come: is the client gone?
 * Afterwards poll must not be asked of it any more, which would say the same at once. */
bool hangup_look(struct hangup *hangup, int64_t now);

/* Why, as an error number; 0: not known, for the program has been told. Takes it from the socket, so not before the
 * program has ended. */
int hangup_reason(int fd);

#endif
