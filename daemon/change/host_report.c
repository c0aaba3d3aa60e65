/* SPDX-License-Identifier: MIT */
#include "change/host_report.h"

#include <stdarg.h>
#include <syslog.h>

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

void host_report_add(struct host_report *report, enum host_weight weight, const struct host_place *place,
		     const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	va_start(ap, fmt);
	problem = problems_vadd(report->problems, weight == HOST_DOUBT ? LOG_WARNING : LOG_ERR, place->where,
				place->key, fmt, ap);
	va_end(ap);
	problem->may_pass = weight == HOST_REFUSAL;
}
