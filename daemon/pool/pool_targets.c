/* SPDX-License-Identifier: MIT */
#include "pool/pool_targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fds.h"
#include "board/targets.h"
#include "config/config.h"
#include "pool/pool.h"

static void copy_known(struct targets *targets, const struct config_upstreams *now, const struct targets *former,
		       const struct config_upstreams *before)
{
	for (size_t i = 0; i < now->n; i++) {
		for (size_t k = 0; k < before->n; k++) {
			if (strcmp(now->list[i].text, before->list[k].text) == 0) {
				target_copy(&targets->target[i], &former->target[k]);
				break;
			}
		}
	}
}

int pool_targets_make(struct pool *pool, const struct pool *former, struct err *err)
{
	const struct config_upstreams *upstreams = &pool->service->upstreams;
	struct targets targets, before;

	if (upstreams->n == 0)
		return 0;
	pool->targets = targets_create(upstreams->n, err);
	if (pool->targets < 0)
		return -1;
	if (former == NULL || former->targets < 0 ||
	    targets_map(&before, former->targets, former->service->upstreams.n, NULL) < 0)
		return 0;
	if (targets_map(&targets, pool->targets, upstreams->n, err) < 0) {
		targets_unmap(&before);
		return -1;
	}
	copy_known(&targets, upstreams, &before, &former->service->upstreams);
	targets_unmap(&targets);
	targets_unmap(&before);
	return 0;
}

json_t *pool_targets_write(const struct pool *pool)
{
	const struct config_upstreams *upstreams = &pool->service->upstreams;
	json_t *names = json_array();

	for (size_t i = 0; i < upstreams->n; i++)
		(void)json_array_append_new(names, json_string(upstreams->list[i].text));
	return json_pack("{s:i, s:i, s:o}", "fd", pool->targets, "version", (int)targets_version(), "names", names);
}

void pool_targets_read(const json_t *written, struct config_upstreams *out)
{
	const json_t *names = json_object_get(written, "names"), *name;
	size_t n = json_array_size(names), i;

	if (n == 0 || n > CONFIG_UPSTREAMS_MOST ||
	    json_integer_value(json_object_get(written, "version")) != (json_int_t)targets_version())
		return;
	out->list = calloc(n, sizeof(*out->list));
	if (out->list == NULL)
		return; /* nothing is known of the upstreams then, and they are looked up */
	out->n = n;
	json_array_foreach (names, i, name)
		(void)snprintf(out->list[i].text, sizeof(out->list[i].text), "%s",
			       json_is_string(name) ? json_string_value(name) : "");
}
