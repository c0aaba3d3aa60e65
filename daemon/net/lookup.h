/* SPDX-License-Identifier: MIT */
/*
 * Worker, client. Looks a name up within a time limit. getaddrinfo(3) has no limit, keeps what it has read of
 * resolv.conf and loads whole libraries into the process; so a child calls it, and is killed when it is late.
 */
#ifndef PREFORKD_NET_LOOKUP_H
#define PREFORKD_NET_LOOKUP_H

#include <stddef.h>

struct addr;
struct err;
struct sockaddr_any;

#define LOOKUP_MOST 8 /* socket addresses of one name; more are ignored */

/*
 * As addr_resolve(): the number of socket addresses of ADDR (at most MAX, at most LOOKUP_MOST), or -1. Blocks for
 * LIMIT_MS at most. It is a failure if there is no answer by then, or if the socket WATCH (-1: none) is over before
 * (relay_is_over()): then err->code is ECANCELED. A literal address needs no child and does not block.
 */
int lookup_address(const struct addr *addr, int limit_ms, int watch, struct sockaddr_any *out, size_t max,
		   struct err *err);

#endif
