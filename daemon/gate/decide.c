/* SPDX-License-Identifier: MIT */
#include "gate/decide.h"

#include "config/config.h"

/* Rounds up, so that a wait never becomes 0. */
static int64_t to_ms(int64_t us)
{
	return (us + 999) / 1000;
}

size_t decide_most_all(const struct config_service *service, size_t workers_max, bool reserve_for)
{
	size_t reserve = (size_t)service->access.reserve;

	/* without a reserve the number of workers is the limit by itself; but with on_full = refuse there is one worker
	 * more, which only refuses */
	if (reserve_for || reserve == 0)
		return service->workers.on_full == ON_FULL_REFUSE ? workers_max : 0;
	return workers_max > reserve ? workers_max - reserve : 1;
}

static enum refusal check_rules(const struct config_access *access, struct gate_verdict *verdict, int64_t index)
{
	if (index >= 0 && (size_t)index < access->n_rules) {
		verdict->rule = &access->rule[index];
		return verdict->rule->allow ? REFUSED_NOT : REFUSED_DENIED;
	}
	return access->only_allowed ? REFUSED_NOT_ALLOWED : REFUSED_NOT;
}

/* Is the service open at all, whoever the client is? */
static enum refusal check_open(const struct config_access *access, const struct gate_facts *facts,
			       struct gate_verdict *verdict)
{
	if (facts->exempt)
		return REFUSED_NOT;
	if (facts->closed) {
		verdict->wait_ms = facts->opens_ms;
		return REFUSED_TIME;
	}
	return access->max_load > 0 && facts->load >= access->max_load ? REFUSED_LOAD : REFUSED_NOT;
}

static enum refusal check_source(const struct config_service *service, const struct gate_facts *facts,
				 struct gate_verdict *verdict)
{
	const struct config_access *access = &service->access;

	if (facts->exempt)
		return REFUSED_NOT;
	if (facts->penalty.until_ms > facts->now_ms) {
		verdict->wait_ms = facts->penalty.until_ms - facts->now_ms;
		return REFUSED_PENALTY;
	}
	if (access->per_source > 0 && facts->same >= (size_t)access->per_source)
		return REFUSED_PER_SOURCE;
	if (facts->source_wait_us > 0) {
		verdict->wait_ms = to_ms(facts->source_wait_us);
		return REFUSED_PER_SOURCE_RATE;
	}
	return REFUSED_NOT;
}

static enum refusal check_service(const struct config_service *service, const struct gate_facts *facts,
				  struct gate_verdict *verdict)
{
	size_t most = decide_most_all(service, facts->workers_max, facts->reserve_for);

	if (most != 0 && facts->all >= most)
		return facts->all >= facts->workers_max ? REFUSED_FULL : REFUSED_RESERVED;
	if (service->access.rate.n > 0 && facts->service_wait_us > 0 && !facts->exempt) {
		verdict->wait_ms = to_ms(facts->service_wait_us);
		return REFUSED_RATE;
	}
	return REFUSED_NOT;
}

struct gate_verdict decide_admission(const struct config_service *service, const struct gate_facts *facts)
{
	struct gate_verdict verdict = {.reason = REFUSED_NOT};

	verdict.reason = check_rules(&service->access, &verdict, facts->rule);
	if (verdict.reason == REFUSED_NOT)
		verdict.reason = check_open(&service->access, facts, &verdict);
	if (verdict.reason == REFUSED_NOT)
		verdict.reason = check_source(service, facts, &verdict);
	if (verdict.reason == REFUSED_NOT)
		verdict.reason = check_service(service, facts, &verdict);
	return verdict;
}
