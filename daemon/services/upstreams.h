/* SPDX-License-Identifier: MIT */
/*
 * Worker. The upstreams of its service: the order in which they are tried, which of them are resting after a failure,
 * and the addresses of their names. What one worker learns, all workers of the service know (board/targets.h). One
 * process, one service: the state is file-level, owned by upstreams.c. It writes to the log, because what it finds out
 * concerns the service and not one connection.
 */
#ifndef PREFORKD_SERVICES_UPSTREAMS_H
#define PREFORKD_SERVICES_UPSTREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct board;
struct board_slot;
struct config_service;
struct err;
struct sockaddr_any;
struct upstream_addresses;

/* Once, when the worker starts. TARGETS is the descriptor of the memory (board/targets.h) and stays the caller's; what
 * the pointers lead to must last. 0, or -1 and *err. */
int upstreams_begin(const struct config_service *service, int targets, const struct board *board,
		    struct board_slot *slot, struct err *err);

/* Writes the indices of all upstreams into ORDER_OUT (room for CONFIG_UPSTREAMS_MOST), in the order in which a
 * connection of CLIENT should try them. Returns how many. */
size_t upstreams_order(const struct sockaddr_any *client, uint8_t *order_out);

/* May upstream I be tried now? False while it is resting. When its rest is over, true for one caller only, which is to
 * try it; for all others it rests on, as long as that try may take. */
bool upstreams_may_try(size_t i);

/* The same for upstream I as the functions in services/upstream_addresses.h, which say more. An upstream without a name
 * has one address. */
int upstreams_addresses(size_t i, int watch, struct upstream_addresses *out, struct err *err);
void upstreams_address_works(size_t i, const struct upstream_addresses *addresses, size_t which);
void upstreams_address_failed(size_t i, const struct upstream_addresses *addresses, size_t which, const char *why);

/* The result of a try. untried: it failed on our side, which says nothing about the upstream. WHY is for the log. */
void upstreams_untried(size_t i);
void upstreams_failed(size_t i, const char *why);
void upstreams_works(size_t i);

/* This worker's connection goes to upstream I; upstreams_left(): it has ended. */
void upstreams_taken(size_t i);
void upstreams_left(void);

#endif
