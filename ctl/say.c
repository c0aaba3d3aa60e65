/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/escape.h"

/* 15 digits print 123.4 as "123.4"; 17 would print 123.40000000000001. */
#define AS_SENT (JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

int say_failure(const struct err *err, int status)
{
	(void)fprintf(stderr, "preforkctl: %s\n", err->text);
	return status;
}

int say_system_error(const char *what)
{
	(void)fprintf(stderr, "preforkctl: %s: %s\n", what, strerror(errno));
	return EX_OSERR;
}

int say_malformed(const char *what)
{
	(void)fprintf(stderr, "preforkctl: the daemon does not speak as it should: %s\n", what);
	return EX_UNAVAILABLE;
}

void say_lines(const json_t *lines, FILE *out)
{
	const json_t *line;
	size_t i;

	json_array_foreach (lines, i, line) {
		char text[SAY_TEXT_MAX];

		if (!json_is_string(line))
			continue;
		(void)escape_bytes(json_string_value(line), json_string_length(line), text, sizeof(text));
		(void)fprintf(out, "%s\n", text);
	}
}

int say_json(const json_t *value)
{
	if (json_dumpf(value, stdout, AS_SENT) < 0)
		return say_system_error("cannot write");
	(void)fputc('\n', stdout);
	return say_end(0);
}

int say_end(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return say_system_error("cannot write");
	return status;
}
