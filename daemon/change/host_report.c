/* SPDX-License-Identifier: MIT */
#include "change/host_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "config/config.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

struct host_place host_place_of(const struct service_values *values, const char *path)
{
	const struct value_source *source = value_source(values, path);

	return (struct host_place){
		.where = source->level == LEVEL_PRESET ? &values->service.origin : &source->origin,
		.key = source->key,
		.waits = values->service.optional,
	};
}

struct host_place host_place_of_main(const struct config *config, const char *path)
{
	const struct value_source *source = value_source_main(&config->store->main, path);

	return (struct host_place){
		.where = source->level == LEVEL_PRESET ? NULL : &source->origin,
		.key = source->key,
	};
}

__attribute__((format(printf, 4, 5))) static struct problem *add_problem(struct host_report *report, int level,
									 const struct host_place *place,
									 const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	va_start(ap, fmt);
	problem = problems_vadd(report->problems, level, place->where, place->key, fmt, ap);
	va_end(ap);
	return problem;
}

void host_report_add(struct host_report *report, enum host_weight weight, const struct host_place *place,
		     const char *fmt, ...)
{
	bool waits = weight == HOST_REFUSAL && place->waits;
	char text[1100];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_problem(report, waits || weight == HOST_DOUBT ? LOG_WARNING : LOG_ERR, place, "%s%s", text,
		    waits ? "; the service is optional, and waits for it" : "")
		->may_pass = weight == HOST_REFUSAL && !waits;
}

static bool is_same(const struct host_lack *a, const struct host_lack *b)
{
	return strcmp(a->setting, b->setting) == 0 && strcmp(a->value, b->value) == 0 && strcmp(a->key, b->key) == 0 &&
	       strcmp(a->why, b->why) == 0;
}

void host_report_lack(struct host_report *report, const struct host_place *place, const char *setting,
		      const char *value, const char *why)
{
	const struct host_lack lack = {
		.setting = setting, .value = value, .key = place->key != NULL ? place->key : "", .why = why};
	struct host_lacks *lacks = report->lacks;

	for (size_t i = 0; lacks != NULL && i < lacks->n; i++) {
		if (is_same(&lacks->list[i], &lack))
			return;
	}
	if (lacks == NULL)
		return;
	lacks->list = arena_resize(lacks->list, lacks->n + 1, sizeof(*lacks->list));
	lacks->list[lacks->n++] = (struct host_lack){
		.setting = arena_strdup(lacks->arena, setting),
		.value = arena_strdup(lacks->arena, value),
		.key = arena_strdup(lacks->arena, lack.key),
		.why = arena_strdup(lacks->arena, why),
	};
}
