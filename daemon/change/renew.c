/* SPDX-License-Identifier: MIT */
#include "change/renew.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json_text.h"
#include "fleet/fleet.h"
#include "pool/pool_look.h"
#include "pool/pool_mend.h"

bool renew_listeners(struct fleet *fleet, json_t *notes)
{
	bool all = true;
	char text[160];

	for (size_t i = 0; i < fleet->n_pools; i++) {
		struct pool *pool = fleet->pools[i];
		unsigned n = 0;
		struct err err;

		if (pool->state != POOL_SERVING)
			continue;
		if (pool_renew_listeners(pool, &n, &err) < 0) {
			(void)json_array_append_new(notes, json_text(err.text));
			all = false;
		}
		if (n == 0)
			continue;
		(void)snprintf(text, sizeof(text),
			       "services.%.64s: %u address%s could not be reached, and %s bound anew",
			       pool->service->name, n, n == 1 ? "" : "es", n == 1 ? "is" : "are");
		(void)json_array_append_new(notes, json_text(text));
		pool_look_after(pool, false);
	}
	return all;
}
