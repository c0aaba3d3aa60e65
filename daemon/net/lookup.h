/* SPDX-License-Identifier: MIT */
/*
 * Looking a name up without waiting for ever: getaddrinfo(3) has no time limit, keeps what it read of resolv.conf, and
 * brings whole libraries into the process. So a child does it, tells, and is gone; one that is late is killed.
 */
#ifndef PREFORKD_NET_LOOKUP_H
#define PREFORKD_NET_LOOKUP_H

#include <stddef.h>

struct addr;
struct err;
struct sockaddr_any;

#define LOOKUP_MOST 8 /* socket addresses that are taken of a name */

/*
 * As addr_resolve(): how many socket addresses ADDR has (at most MAX, and LOOKUP_MOST), or -1. No answer within
 * LIMIT_MS is a failure, too; and it ends early (ECANCELED) when the socket WATCH (-1: none) is over
 * (net/relay.h).
 */
int lookup_address(const struct addr *addr, int limit_ms, int watch, struct sockaddr_any *out, size_t max,
		   struct err *err);

#endif
