/* SPDX-License-Identifier: MIT */
/*
 * Any process. Which address of a name is tried when ("Happy Eyeballs", RFC 8305): the families take turns, the one of
 * the resolver's first address first; the next address is tried when an attempt has failed, or RACE_STAGGER_MS after
 * the attempt before; the first connection wins. Opens nothing and reads no clock.
 */
#ifndef PREFORKD_NET_RACE_H
#define PREFORKD_NET_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_any;

#define RACE_STAGGER_MS 250

/* Sorts TARGETS into the order in which they are tried; within a family the order of the resolver stays. */
void race_order(struct sockaddr_any *targets, size_t n);

struct race {
	size_t n, started, failed;
	int64_t stagger_ms;
	int64_t next_ms; /* when the next one may start */
};

/* LIMIT_MS (0: none) is the time for all of them. A short limit is shared, so that each target is tried within it. */
void race_init(struct race *race, size_t n, int64_t limit_ms, int64_t now_ms);

/* True, with its index in *index_out, if a target is to be tried now; it counts as started. */
bool race_next(struct race *race, int64_t now_ms, size_t *index_out);

/* An attempt that was started has failed. */
void race_failed(struct race *race, int64_t now_ms);

/* True if all targets have failed. */
bool race_lost(const struct race *race);

/* Milliseconds until race_next() has another target; -1: all are started. */
int64_t race_wait(const struct race *race, int64_t now_ms);

#endif
