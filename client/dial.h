/* SPDX-License-Identifier: MIT */
/* From the text of an address to a connecting stream socket. */
#ifndef PREFORKD_CLIENT_DIAL_H
#define PREFORKD_CLIENT_DIAL_H

#include <stddef.h>

#include "net/addr.h"

struct err;

#define DIAL_TARGETS_MAX 32

/* Takes TEXT apart and refuses what nobody can connect to. */
int dial_parse(const char *text, struct addr *out, struct err *err);

/* A new non-blocking socket for addresses like TO, bound to FROM unless that is NULL. */
int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, struct err *err);

/*
 * Connects to TARGETS in turn and waits; the first that answers wins, its index goes to
 * *index_out. Returns a non-blocking socket, or -1 with the reason of every target in *err.
 */
int dial_any(const struct sockaddr_any *targets, size_t n, size_t *index_out, struct err *err);

#endif
