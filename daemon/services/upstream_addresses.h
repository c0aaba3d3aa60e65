/* SPDX-License-Identifier: MIT */
/* Worker. The addresses of one upstream: its name is looked up when that is due, and an address that does not answer is
 * left alone for a while. What one worker learns, all workers of the service know (board/targets.h). */
#ifndef PREFORKD_SERVICES_UPSTREAM_ADDRESSES_H
#define PREFORKD_SERVICES_UPSTREAM_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

#include "board/targets.h"
#include "net/addr.h"

struct config_upstreams;
struct err;

struct upstream {
	const struct config_upstreams *config;
	const struct addr *addr;
	struct target *target;
};

struct upstream_addresses {
	struct sockaddr_any at[TARGET_ADDRESSES]; /* in the order in which they are to be tried */
	int64_t until_ms[TARGET_ADDRESSES];	  /* of each: the end of its rest; 0: it works, as far as known */
	size_t n;
};

/* Fills *OUT with the addresses that can be reached from proxy.bind. Looks the name up if that is due, which may block
 * for some seconds; the look-up ends early when the peer of the socket WATCH is gone (net/lookup.h). 0; -1 and *err if
 * there are none. */
int upstream_addresses_get(const struct upstream *upstream, int watch, struct upstream_addresses *out, struct err *err);

/* Address I works; or it has failed while another address of the upstream works, WHY for the log. */
void upstream_addresses_works(const struct upstream *upstream, const struct upstream_addresses *addresses, size_t i);
void upstream_addresses_failed(const struct upstream *upstream, const struct upstream_addresses *addresses, size_t i,
			       const char *why);

#endif
