/* SPDX-License-Identifier: MIT */
/*
 * Who is tried when, where a name has several addresses ("Happy Eyeballs", RFC 8305): the
 * families take turns, IPv6 first; the next address is tried as soon as one has failed, or 250 ms
 * after the one before, whichever is earlier; the first that is up wins. Knows addresses and times,
 * but opens nothing and asks no clock.
 */
#ifndef PREFORKD_CLIENT_RACE_H
#define PREFORKD_CLIENT_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_any;

#define RACE_STAGGER_MS 250

/* Brings TARGETS into the order in which they are tried; within a family the resolver's stays. */
void race_order(struct sockaddr_any *targets, size_t n);

struct race {
	size_t n, started, failed;
	int64_t next_ms; /* when the next one may start */
};

void race_init(struct race *race, size_t n, int64_t now_ms);

/* True, with the target in *index_out, if one is to be started now. It counts as started then. */
bool race_next(struct race *race, int64_t now_ms, size_t *index_out);

/* One that was started has failed. */
void race_failed(struct race *race, int64_t now_ms);

/* Nobody is under way, and nobody is left. */
bool race_lost(const struct race *race);

/* Milliseconds until race_next() has another target; -1 when all are started. */
int64_t race_wait(const struct race *race, int64_t now_ms);

#endif
