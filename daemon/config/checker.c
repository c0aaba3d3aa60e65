/* SPDX-License-Identifier: MIT */
#include "config/checker.h"

#include <errno.h>
#include <stdarg.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

__attribute__((format(printf, 5, 0))) static struct problem *report_value(const struct checker *checker, int level,
									  const struct service_values *values,
									  const struct value_source *source,
									  const char *fmt, va_list ap)
{
	const struct origin *where = source->level == LEVEL_PRESET ? &values->service.origin : &source->origin;

	return problems_vadd(checker->problems, level, where, source->key, fmt, ap);
}

void checker_error(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)report_value(checker, LOG_ERR, values, source, fmt, ap);
	va_end(ap);
}

void checker_warning(const struct checker *checker, const struct service_values *values,
		     const struct value_source *source, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)report_value(checker, LOG_WARNING, values, source, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 4, 5))) static struct problem *report_error(const struct checker *checker,
									  const struct service_values *values,
									  const struct value_source *source,
									  const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	va_start(ap, fmt);
	problem = report_value(checker, LOG_ERR, values, source, fmt, ap);
	va_end(ap);
	return problem;
}

void checker_lacks(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const struct err *err)
{
	report_error(checker, values, source, "%s", err->text)->may_pass = checker_may_pass(err);
}

void checker_waits(const struct checker *checker, struct service_values *values, const struct value_source *source,
		   const struct err *err)
{
	if (!values->service.optional || err->code == 0) {
		checker_lacks(checker, values, source, err);
		return;
	}
	checker_warning(checker, values, source, "%s; the service is optional, and waits for it", err->text);
	values->service.obstacle = arena_strdup(checker->store->arena, err->text);
}

bool checker_may_pass(const struct err *err)
{
	return err->code != 0 && err->code != ENOENT;
}

const struct value_source *checker_nearer(const struct service_values *values, const char *a, const char *b)
{
	const struct value_source *source_a = value_source(values, a);
	const struct value_source *source_b = value_source(values, b);

	return source_b->level > source_a->level ? source_b : source_a;
}
