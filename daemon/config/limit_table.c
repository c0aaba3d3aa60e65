/* SPDX-License-Identifier: MIT */
#include "config/limit_table.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "config/confine.h"

#define SECOND_MS 1000

#define LIMIT(field, NAME, option)                                                                                     \
	{                                                                                                              \
		"limits." #field, offsetof(struct config_limits, field), RLIMIT_##NAME, "RLIMIT_" #NAME,               \
			"Limit" #NAME, option                                                                          \
	}

const struct limit_kind limit_kinds[LIMIT_KINDS] = {
	LIMIT(nofile, NOFILE, 'n'), LIMIT(nproc, NPROC, 'u'), LIMIT(cpu, CPU, 't'),
	LIMIT(as, AS, 'v'),	    LIMIT(data, DATA, 'd'),   LIMIT(stack, STACK, 's'),
	LIMIT(core, CORE, 'c'),	    LIMIT(fsize, FSIZE, 'f'), LIMIT(memlock, MEMLOCK, 'l'),
};

int64_t limit_kind_number(const struct limit_kind *kind, const struct config_limits *limits)
{
	return *(const int64_t *)(const void *)((const char *)limits + kind->offset);
}

rlim_t limit_kind_value(const struct limit_kind *kind, int64_t number)
{
	if (number == CONFIG_UNLIMITED)
		return RLIM_INFINITY;
	return (rlim_t)(kind->resource == RLIMIT_CPU ? number / SECOND_MS : number);
}

void limit_kind_format(const struct limit_kind *kind, rlim_t value, char *out, size_t size)
{
	if (value > INT64_MAX / SECOND_MS)
		(void)snprintf(out, size, "unlimited");
	else if (kind->resource == RLIMIT_CPU)
		format_duration((int64_t)value * SECOND_MS, out, size);
	else if (kind->resource == RLIMIT_NOFILE || kind->resource == RLIMIT_NPROC)
		(void)snprintf(out, size, "%" PRIu64, (uint64_t)value);
	else
		format_size((int64_t)value, out, size);
}

const char *limit_table_blame(const struct config_limits *limits, int sig, const char *before, char *out, size_t size)
{
	int resource = sig == SIGXCPU ? RLIMIT_CPU : sig == SIGXFSZ ? RLIMIT_FSIZE : -1;
	char value[32];

	out[0] = '\0';
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		int64_t number = limit_kind_number(&limit_kinds[i], limits);

		if (limit_kinds[i].resource != resource || number <= 0)
			continue; /* not written; or not known: an upgrade does not hand it over */
		limit_kind_format(&limit_kinds[i], limit_kind_value(&limit_kinds[i], number), value, sizeof(value));
		(void)snprintf(out, size, "%s%s is %s", before, limit_kinds[i].key, value);
	}
	return out;
}
