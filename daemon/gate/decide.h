/* SPDX-License-Identifier: MIT */
/*
 * Worker and master. Decides whether a client gets in: a pure function of the configuration and of what is known at the
 * moment. A worker calls it for each client, the master for `preforkctl explain`. It looks nothing up and takes
 * nothing.
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

/* The facts about a client and about the service at the moment. */
struct gate_facts {
	int64_t rule;		  /* networks_find() in access.rules; -1: no entry */
	bool closed;		  /* it is outside of access.times */
	int64_t opens_ms;	  /* until it is one of them; 0: not known */
	int64_t load;		  /* the load average, hundredths; -1: not known */
	bool exempt, reserve_for; /* the client is in access.exempt, in access.reserve_for */
	int64_t now_ms;
	size_t same, all; /* other connections: of the same source, of the service */
	size_t workers_max;
	int64_t source_wait_us, service_wait_us; /* until the rate of the source, access.rate have room; 0: they have */
	struct sources_penalty penalty;
};

struct gate_verdict {
	enum refusal reason;		/* REFUSED_NOT: let in */
	const struct access_rule *rule; /* the rule that refused it or let it pass; NULL: none */
	int64_t wait_ms; /* after which it would get in, as far as time matters; 0: at once, or waiting does not help */
};

/* Checks in this order: rules, times, load, penalty, connections of the source, rate of the source, reserved and full,
 * rate of the service. */
struct gate_verdict decide_admission(const struct config_service *service, const struct gate_facts *facts);

/* How many connections the service may have for another client to get in, which is (not) in access.reserve_for. 0: any
 * number. WORKERS_MAX is the current maximum. */
size_t decide_most_all(const struct config_service *service, size_t workers_max, bool reserve_for);

#endif
