/* SPDX-License-Identifier: MIT */
/* Client. From the text of an address to a connected socket. */
#ifndef PREFORKD_CLIENT_DIAL_H
#define PREFORKD_CLIENT_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/connect_any.h"

struct err;

#define DIAL_TARGETS_MAX CONNECT_ANY_MAX

/* addr_parse(), and refuses an address that cannot be connected to (port 0, *:PORT, systemd:NAME). */
int dial_parse(const char *text, struct addr *out, struct err *err);

/* A new non-blocking socket for addresses like TO, bound to FROM unless that is NULL. */
int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, int type, struct err *err);

/* How a server was reached. */
struct dial_way {
	size_t index; /* of the target that answered */
	size_t tried; /* number of targets that were tried */
	int64_t took_us;
	char failures[512]; /* the targets that failed before, with reasons, for a person; "": none */
};

/*
 * Connects to TARGETS, which it brings into order first (net/race.h); blocks until the first target answers, all have
 * failed or LIMIT_MS (0: no limit) has passed. Returns a non-blocking socket, or -1 with the reason of every target in
 * *err; err->code is as with connect_any().
 */
int dial_any(struct sockaddr_any *targets, size_t n, int type, int64_t limit_ms, struct dial_way *way_out,
	     struct err *err);

/* In words: the errno CODE of an attempt to reach TO. */
const char *dial_reason(const struct sockaddr_any *to, int code);

/* The exit status for a dial_any() that failed with CODE. */
int dial_status(int code);

#endif
