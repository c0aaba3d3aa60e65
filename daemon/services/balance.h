/* SPDX-License-Identifier: MIT */
/* Worker. The order in which the upstreams are tried for one connection. Pure functions: numbers in, numbers out. */
#ifndef PREFORKD_SERVICES_BALANCE_H
#define PREFORKD_SERVICES_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct sockaddr_any;

struct balance {
	int how;       /* enum config_balance; the comments below name its values */
	size_t n;      /* number of upstreams, at most CONFIG_UPSTREAMS_MOST */
	uint32_t turn; /* round_robin, and least_busy among equals: a number that grows by 1 with each connection */
	const bool *resting;   /* of each: it failed lately, and is tried last */
	const uint32_t *busy;  /* least_busy: connections that each has */
	uint64_t source;       /* source: balance_source() of the client */
	const uint64_t *names; /* source: balance_name() of each */
};

/* Writes the indices of all n upstreams into ORDER_OUT, first choice first, the resting ones last. */
void balance_order(const struct balance *balance, uint8_t *order_out);

/* A hash that is the same for all clients whose addresses agree in the first BITS4 bits (IPv4) or BITS6 bits (IPv6).
 * All clients on unix sockets have the same one. */
uint64_t balance_source(const struct sockaddr_any *client, int64_t bits4, int64_t bits6);

/* A hash of an upstream's address as configured. */
uint64_t balance_name(const char *text);

#endif
