/* SPDX-License-Identifier: MIT */
/* In which order the upstreams are tried for one connection. Pure: numbers in, numbers out. */
#ifndef PREFORKD_SERVICES_BALANCE_H
#define PREFORKD_SERVICES_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct sockaddr_any;

struct balance {
	int how;	       /* enum config_balance */
	size_t n;	       /* upstreams, CONFIG_UPSTREAMS_MOST at most */
	uint32_t turn;	       /* of round_robin, and for equals of least_busy */
	const bool *resting;   /* of each: it is left alone, and has no turn */
	const uint32_t *busy;  /* of least_busy: connections of each */
	uint64_t source;       /* of source: balance_source() */
	const uint64_t *names; /* of source: balance_name() of each */
};

/* All of them, the first choice first, those that are left alone at the end, into ORDER_OUT (indices from 0). */
void balance_order(const struct balance *balance, uint8_t *order_out);

/* One number for the clients that count as one: addresses that agree in the first BITS4 or BITS6 bits. Unix clients are
 * all one. */
uint64_t balance_source(const struct sockaddr_any *client, int64_t bits4, int64_t bits6);

uint64_t balance_name(const char *text);

#endif
