/* SPDX-License-Identifier: MIT */
/* From the text of an address to a connected socket. */
#ifndef PREFORKD_CLIENT_DIAL_H
#define PREFORKD_CLIENT_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

#define DIAL_TARGETS_MAX 32

/* Takes TEXT apart and refuses what nobody can connect to. */
int dial_parse(const char *text, struct addr *out, struct err *err);

/* A new non-blocking socket for addresses like TO, bound to FROM unless that is NULL. */
int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, int type, struct err *err);

/* How the way to a server was found. */
struct dial_way {
	size_t index; /* which target answered */
	size_t tried; /* how many were asked */
	int64_t took_us;
	/* What became of those that failed before, for a person; "" if none did. */
	char failures[512];
};

/*
 * Connects to TARGETS (brings them into order first, see race.h) and waits; the first that answers
 * wins. LIMIT_MS bounds the whole, 0 does not. Returns a non-blocking socket, or -1 with the reason of every
 * target in *err; err->code is the errno of the last, or ETIMEDOUT.
 */
int dial_any(struct sockaddr_any *targets, size_t n, int type, int64_t limit_ms, struct dial_way *way_out,
	     struct err *err);

/* What the errno of an attempt to reach TO means, in words. */
const char *dial_reason(const struct sockaddr_any *to, int code);

/* The exit status for a dial_any() that failed with CODE. */
int dial_status(int code);

#endif
