/* SPDX-License-Identifier: MIT */
#include "config/checker.h"

#include <stdarg.h>
#include <syslog.h>

#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

__attribute__((format(printf, 5, 0))) static void report_value(const struct checker *checker, int level,
							       const struct service_values *values,
							       const struct value_source *source, const char *fmt,
							       va_list ap)
{
	const struct origin *where = source->level == LEVEL_PRESET ? &values->service.origin : &source->origin;

	problems_vadd(checker->problems, level, where, source->key, fmt, ap);
}

void checker_error(const struct checker *checker, const struct service_values *values,
		   const struct value_source *source, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_value(checker, LOG_ERR, values, source, fmt, ap);
	va_end(ap);
}

void checker_warning(const struct checker *checker, const struct service_values *values,
		     const struct value_source *source, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_value(checker, LOG_WARNING, values, source, fmt, ap);
	va_end(ap);
}

const struct value_source *checker_nearer(const struct service_values *values, const char *a, const char *b)
{
	const struct value_source *source_a = value_source(values, a);
	const struct value_source *source_b = value_source(values, b);

	return source_b->level > source_a->level ? source_b : source_a;
}
