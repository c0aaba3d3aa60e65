/* SPDX-License-Identifier: MIT */
/*
 * Who gets in. One pure function over what is configured and what is known at the moment; the worker asks it for
 * each client, and the master for `preforkctl explain`. It looks nothing up, and takes nothing.
 */
#ifndef PREFORKD_GATE_DECIDE_H
#define PREFORKD_GATE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/refusal.h"
#include "board/sources.h"

struct access_rule;
struct config_service;

/* What is known of a client and of the service at the moment. */
struct gate_facts {
	int64_t rule; /* networks_find() in access.rules; -1: no entry */
	bool exempt, reserve_for;
	int64_t now_ms;
	size_t same, all; /* other connections, of the source and of the service */
	size_t workers_max;
	int64_t source_wait_us, service_wait_us; /* until the rates have room; 0: they have */
	struct sources_penalty penalty;
};

struct gate_verdict {
	enum refusal reason;		/* REFUSED_NOT: let in */
	const struct access_rule *rule; /* that decided, or let it pass; NULL: none did */
	int64_t wait_ms; /* until it would get in, as far as time decides; 0: at once, or not by waiting */
};

/* In this order: rules, penalty, connections of the source, rate of the source, reserved and full, rate of the service.
 */
struct gate_verdict gate_decide(const struct config_service *service, const struct gate_facts *facts);

/* How many others may be there at most for a client that is (not) in reserve_for: 0: any number. */
size_t gate_most_all(const struct config_service *service, size_t workers_max, bool reserve_for);

#endif
