/* SPDX-License-Identifier: MIT */
/*
 * The upstreams of the service that this worker belongs to: which is next, which is left alone, what their names stand
 * for. What one worker learns all of them know (board/targets.h). One process, one service: file-level state, owned by
 * upstreams.c. It logs, for what it finds out is about the service and no connection.
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

/* Once, when the worker starts. TARGETS is the descriptor of board/targets.h. */
int upstreams_begin(const struct config_service *service, int targets, const struct board *board,
		    struct board_slot *slot, struct err *err);

/* The order for a connection of CLIENT: indices of upstreams into ORDER_OUT, CONFIG_UPSTREAMS_MOST at most. How many.
 */
size_t upstreams_order(const struct sockaddr_any *client, uint8_t *order_out);

/* It has not failed lately. Of one whose pause is over this is true for one caller, who is to try it, until that one
 * could have told. */
bool upstreams_may_try(size_t i);

/* Its addresses, at most MAX. Looks its name up if that is due, within bounds (net/lookup.h; WATCH: a socket that
 * ends that). -1 if there is none. */
int upstreams_addresses(size_t i, int watch, struct sockaddr_any *out, size_t max, struct err *err);

/* What became of a try; untried: it says nothing of the upstream, so that the next may try it. WHY: for the log. */
void upstreams_untried(size_t i);
void upstreams_failed(size_t i, const char *why);
void upstreams_works(size_t i);

/* This worker's connection goes there; upstreams_left(): it has ended. */
void upstreams_taken(size_t i);
void upstreams_left(void);

#endif
