/* SPDX-License-Identifier: MIT */
#include "syntax/number.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

bool number_begins(const char *p)
{
	if (*p == '+' || *p == '-')
		p++;
	if (*p == '.')
		p++;
	return *p != '\0' && strchr(DIGITS, *p) != NULL;
}

static bool is_float(const char *p)
{
	p += strspn(p, DIGITS);
	if (*p == '.')
		return true;
	if (*p != 'e' && *p != 'E')
		return false;
	p++;
	if (*p == '+' || *p == '-')
		p++;
	return *p != '\0' && strchr(DIGITS, *p) != NULL;
}

static const char *skip_float(const char *p)
{
	p += strspn(p, DIGITS);
	if (*p == '.')
		p++;
	p += strspn(p, DIGITS);
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		p += strspn(p, DIGITS);
	}
	return p;
}

const char *number_read(const char *p, char *out)
{
	const char *digits = p + (*p == '+' || *p == '-');
	bool is_hex = strncasecmp(digits, "0x", 2) == 0;
	int64_t value;
	char *end;

	out[0] = '\0';
	if (is_float(digits))
		return skip_float(digits);
	value = strtoll(p, &end, is_hex ? 16 : 10);
	if (*end == 'L')
		end += end[1] == 'L' ? 2 : 1;
	(void)snprintf(out, NUMBER_SIZE, "%" PRId64 "%s", value, value > INT32_MAX || value < INT32_MIN ? "L" : "");
	return end;
}
