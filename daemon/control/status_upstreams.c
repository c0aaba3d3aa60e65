/* SPDX-License-Identifier: MIT */
#include "control/status_upstreams.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "board/targets.h"
#include "config/config.h"
#include "pool/pool.h"

/* Adds what is known of an upstream or one of its addresses. UNTIL_MS: the end of its rest; 0: it works. */
static json_t *add_state(json_t *to, const struct config_upstreams *config, int64_t until_ms)
{
	int64_t left = target_rest_left(until_ms, clock_ms(), config->pause, config->connect_timeout);

	(void)json_object_set_new(to, "state", json_string(until_ms != 0 ? "failed" : "working"));
	(void)json_object_set_new(to, "left_alone", until_ms != 0 ? json_real((double)left / 1000) : json_null());
	return to;
}

static json_t *addresses_json(const struct config_upstreams *config, const struct target *target)
{
	struct sockaddr_any list[TARGET_ADDRESSES];
	int64_t until[TARGET_ADDRESSES];
	size_t n = target_addresses(target, list, until, TARGET_ADDRESSES);
	json_t *addresses = json_array();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		json_t *one = json_pack("{s:o}", "address", json_text(addr_format(&list[i], text, sizeof(text))));

		(void)json_array_append_new(addresses, add_state(one, config, until[i]));
	}
	return addresses;
}

json_t *status_upstreams_json(const struct pool *pool)
{
	const struct config_upstreams *config = &pool->service->upstreams;
	json_t *upstreams = json_array();
	struct targets targets;

	if (pool->targets < 0 || targets_map(&targets, pool->targets, config->n, NULL) < 0)
		return upstreams;
	for (size_t i = 0; i < config->n; i++) {
		const struct target *target = &targets.target[i];
		json_t *one = json_pack("{s:o, s:o}", "address", json_text(config->list[i].text), "addresses",
					addresses_json(config, target));

		(void)json_array_append_new(upstreams, add_state(one, config, atomic_load(&target->until_ms)));
	}
	targets_unmap(&targets);
	return upstreams;
}
