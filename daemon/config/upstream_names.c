/* SPDX-License-Identifier: MIT */
#include "config/upstream_names.h"

#include "base/err.h"
#include "config/checker.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

#define ADDRESSES_MOST 8

void upstream_names_check(const struct config *config, struct problems **problems)
{
	struct checker checker = {.problems = *problems != NULL ? *problems : problems_new()};
	struct sockaddr_any list[ADDRESSES_MOST];

	*problems = checker.problems;
	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_upstreams *upstreams = &config->services[i].upstreams;
		const struct service_values *values = &config->store->services[i];
		struct value_source place = *value_source(values, "upstream");
		struct err err;

		for (size_t k = 0; k < upstreams->n; k++) {
			place.origin = values->upstream.origins[k];
			if (!addr_is_literal(&upstreams->list[k]) &&
			    addr_resolve(&upstreams->list[k], list, ADDRESSES_MOST, &err) < 0)
				checker_warning(&checker, values, &place, "%s", err.text);
		}
	}
	problems_sort(*problems);
}
