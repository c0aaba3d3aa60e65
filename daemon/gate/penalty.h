/* SPDX-License-Identifier: MIT */
/* Worker and master. Applies the rules of `penalty` in the configuration: after too many faults a source is refused for
 * a while. */
#ifndef PREFORKD_GATE_PENALTY_H
#define PREFORKD_GATE_PENALTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/refusal.h"
#include "board/sources.h"

struct config_service;

/* Does a refusal for REASON count as a fault of the client? Not if the service or other clients caused it. */
bool penalty_is_fault(enum refusal reason);

/* The rule for FAULT. most == 0: no penalty is configured for it. */
struct sources_penalty_rule penalty_rule(const struct config_service *service, enum source_fault fault);

/* Counts one more FAULT of the source KEY, which must not be exempt. True: the source is penalized from now on, and
 * TEXT (at most SIZE bytes) says why and for how long. */
bool penalty_fault(struct sources *sources, const struct config_service *service, uint64_t key, enum source_fault fault,
		   int64_t now_ms, char *text, size_t size);

#endif
