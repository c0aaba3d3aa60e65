/* SPDX-License-Identifier: MIT */
#include "change/host_limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/unit.h"
#include "change/host_walls.h"
#include "config/config.h"
#include "config/host_compare.h"
#include "config/load.h"
#include "fleet/fleet.h"

/* WALLS: also looks for walls of the sandboxes that cannot be had. */
static json_t *compare_host(const struct config *config, const struct limits *limits, bool walls)
{
	struct arena *arena = arena_try_new(); /* the daemon goes on without memory, and without these warnings */
	struct problems *problems = arena != NULL ? problems_in(arena) : NULL;
	json_t *list = json_array();

	if (problems != NULL)
		host_compare(config, limits, &problems);
	if (problems != NULL && walls)
		host_walls_warn(config, problems);
	for (size_t i = 0; problems != NULL && i < problems_count(problems); i++)
		(void)json_array_append_new(list, json_string(problems_get(problems, i)->text));
	arena_free(&arena);
	return list;
}

json_t *host_limits_warnings(const struct host_limits *host, const struct config *config)
{
	struct limits limits;
	struct unit unit;

	limits_init(&limits);
	limits_read("", &limits);
	limits_read_groups("", &limits);
	limits.somaxconn = -1; /* each listener warns of its own backlog */
	limits.stop_ms = host->unit.stop_ms;
	if (unit_own(&unit))
		(void)snprintf(limits.unit, sizeof(limits.unit), "%s", unit.name);
	return compare_host(config, &limits, true);
}

void host_limits_tell(const json_t *warnings)
{
	const struct log_about about = {.message_id = MESSAGE_ID_LIMIT};
	const json_t *text;
	size_t i;

	json_array_foreach (warnings, i, text)
		log_about(LOG_WARNING, &about, "%s", json_string_value(text));
}

/* Only the time for a stop is taken from the answer: the other limits are known from the kernel. */
static void on_unit_answer(const struct limits *limits, void *userdata)
{
	struct host_limits *host = userdata;
	bool first = host->unit.stop_ms < 0;
	struct limits stop;
	json_t *warnings;

	if (limits != NULL) {
		limits_init(&stop);
		stop.stop_ms = limits->stop_ms;
		(void)snprintf(stop.unit, sizeof(stop.unit), "%s", limits->unit);
		host->unit = stop;
	}
	if (limits != NULL && first) {
		warnings = compare_host(host->fleet->generation->config, &stop, false);
		host_limits_tell(warnings);
		json_decref(warnings);
	}
	unit_query_free(&host->query);
}

void host_limits_ask(struct host_limits *host)
{
	struct unit unit;

	if (host->query == NULL && unit_own(&unit))
		host->query = unit_ask(host->fleet->event, &unit, on_unit_answer, host);
}

void host_limits_forget(struct host_limits *host)
{
	unit_query_free(&host->query);
}
