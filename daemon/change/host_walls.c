/* SPDX-License-Identifier: MIT */
#include "change/host_walls.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "config/checker.h"
#include "config/config.h"
#include "config/value_source.h"
#include "config/values.h"
#include "sandbox/walls.h"

#define SAID_MOST 32 /* more than there are walls */

struct look {
	struct checker checker;
	const struct service_values *values; /* of the service that is looked at */
	const char *said[SAID_MOST];	     /* keys that were warned of, with a value that many services have */
	size_t n_said;
};

/* A value of `defaults`, or of the table: is told with the first service that has it. */
static bool was_said(struct look *look, const char *key)
{
	for (size_t i = 0; i < look->n_said; i++) {
		if (strcmp(look->said[i], key) == 0)
			return true;
	}
	if (look->n_said < SAID_MOST)
		look->said[look->n_said++] = key;
	return false;
}

static void report_lack(const char *key, const char *text, void *userdata)
{
	struct look *look = userdata;
	const struct value_source *source = value_source(look->values, key);

	if (source->level == LEVEL_SERVICE || !was_said(look, key))
		checker_warning(&look->checker, look->values, source, "%s", text);
}

static void demand_walls(const struct look *look, const struct config_service *service)
{
	struct err err;

	if (walls_demand(service, &err) == 0)
		return;
	err.code = EAGAIN; /* another kernel, or another unit, may have what is lacking */
	checker_lacks(&look->checker, look->values, value_source(look->values, "sandbox.required"), &err);
}

static void look_at_all(const struct config *config, struct problems *problems, bool demand)
{
	struct look look = {.checker = {.store = config->store, .problems = problems}};

	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *service = &config->services[i];

		look.values = &config->store->services[i];
		if (!service->sandbox.required)
			walls_find_lacks(service, report_lack, &look);
		else if (demand)
			demand_walls(&look, service);
	}
}

void host_walls_warn(const struct config *config, struct problems *problems)
{
	look_at_all(config, problems, false);
}

void host_walls_judge(const struct config *config, struct problems *problems)
{
	look_at_all(config, problems, true);
}
