/* SPDX-License-Identifier: MIT */
/*
 * Master, the new image. Programs (handler = "listen") of services whose configuration is another one than before are
 * replaced step by step, as at a reload (pool/rolling.h). But there is no way back after the exec: where new programs
 * end, the replacing stops, and those of before that are left stay (fleet/leftover.h). Programs of services that have
 * not changed were taken over when the pools were opened (pool/pool_take.h).
 */
#ifndef PREFORKD_UPGRADE_UPGRADE_ROLLS_H
#define PREFORKD_UPGRADE_UPGRADE_ROLLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/rolling.h"

struct fleet;
struct pool;

struct upgrade_roll {
	struct member *member; /* a reference */
	struct rolling rolling;
};

struct upgrade_rolls {
	struct upgrade_roll *list;
	size_t n;
};

/* Begins with all pools in force that wait for that (pool->is_rolling). Without memory they start all their programs
 * at once. */
void upgrade_rolls_begin(struct upgrade_rolls *rolls, struct fleet *fleet, int64_t now_ms);

/* True: all are over. *DUE_OUT: when to call again if nothing happens before. FAILURES (strings) is appended to. */
bool upgrade_rolls_step(struct upgrade_rolls *rolls, int64_t now_ms, int64_t *due_out, json_t *failures);

/* "web: 12 of 100 copies replaced; watching 10", for the first service that is not done; "" if there is none. */
void upgrade_rolls_describe(const struct upgrade_rolls *rolls, char *out, size_t size);

/* The programs of the service that FORMER is of were replaced, all of them. */
bool upgrade_rolls_have_replaced(const struct upgrade_rolls *rolls, const struct pool *former);

void upgrade_rolls_clear(struct upgrade_rolls *rolls);

#endif
