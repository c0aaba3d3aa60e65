/* SPDX-License-Identifier: MIT */
#include "gate/penalty.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "config/config.h"

bool penalty_is_fault(enum refusal reason)
{
	switch (reason) {
	case REFUSED_DENIED:
	case REFUSED_NOT_ALLOWED:
	case REFUSED_PER_SOURCE:
	case REFUSED_PER_SOURCE_RATE:
	case REFUSED_PROXY_UNTRUSTED:
		return true;
	case REFUSED_NOT:
	case REFUSED_PENALTY: /* else the penalty would never end */
	case REFUSED_RATE:
	case REFUSED_RESERVED:
	case REFUSED_FULL:
	case REFUSED_QUEUED_SILENT: /* a client in the queue may wait for the service to speak first */
	case REFUSED_EVICTED:
	case REFUSED_PROXY_MISSING: /* a trusted proxy: a penalty would shut out all of its clients */
	case REFUSED_PROXY_MALFORMED:
	case REFUSED_PROXY_TIMEOUT:
	case REFUSED_ANSWER_PORT: /* the address of a datagram may be forged */
	case REFUSED_ANSWER_SIZE:
	case REFUSED_TIME:
	case REFUSED_LOAD:
	case REFUSALS:
		break;
	}
	return false;
}

struct sources_penalty_rule penalty_rule(const struct config_service *service, enum source_fault fault)
{
	const struct config_penalty *penalty = &service->penalty;

	return (struct sources_penalty_rule){
		.most = fault == FAULT_CRASH ? penalty->crashes : penalty->refusals,
		.within_ms = penalty->within,
		.duration_ms = penalty->duration,
	};
}

bool penalty_fault(struct sources *sources, const struct config_service *service, uint64_t key, enum source_fault fault,
		   int64_t now_ms, char *text, size_t size)
{
	struct sources_penalty_rule rule = penalty_rule(service, fault);
	char within[32], duration[32];

	if (rule.most <= 0 || !sources_fault(sources, key, fault, &rule, now_ms))
		return false;
	format_duration(rule.within_ms, within, sizeof(within));
	format_duration(rule.duration_ms, duration, sizeof(duration));
	(void)snprintf(text, size,
		       fault == FAULT_CRASH
			       ? "its source is refused for %s: crashed %" PRId64 " workers within %s (penalty.crashes)"
			       : "its source is refused for %s: %" PRId64 " refusals within %s (penalty.refusals)",
		       duration, rule.most, within);
	return true;
}
