/* SPDX-License-Identifier: MIT */
/* What makes a source one to be refused for a while: the configuration's rule, applied to one fault. */
#ifndef PREFORKD_GATE_PENALTY_H
#define PREFORKD_GATE_PENALTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/refusal.h"
#include "board/sources.h"

struct config_service;

/* The client's doing, and not that of the service or of other clients. */
bool penalty_is_fault(enum refusal reason);

/* The rule for FAULT; most == 0: no penalty is given for that. */
struct sources_penalty_rule penalty_rule(const struct config_service *service, enum source_fault fault);

/* One more fault of the source KEY, which is not exempt. True: it is penalized from now on, and *text says for how
 * long and why. */
bool penalty_fault(struct sources *sources, const struct config_service *service, uint64_t key, enum source_fault fault,
		   int64_t now_ms, char *text, size_t size);

#endif
