/* SPDX-License-Identifier: MIT */
/* PROXY headers: parsed into one place, and compared. */
#ifndef PREFORKD_TESTS_PROXY_HEADER_CASE_H
#define PREFORKD_TESTS_PROXY_HEADER_CASE_H

#include "net/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "../proxy_samples.h"
#include "../suite.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct proxy_header header;
static size_t used, need;
static struct err err;
static struct sample s;

/* Parses an exact copy, so that a sanitizer sees a look beyond the end. */
static inline enum proxy_parse parse(const void *bytes, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);
	enum proxy_parse state;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	err.text[0] = '\0';
	state = proxy_header_parse(copy, len, &header, &used, &need, &err);
	free(copy);
	if (state == PROXY_BAD)
		ck_assert_str_ne(err.text, "");
	return state;
}

static inline enum proxy_parse parse_sample(void)
{
	return parse(s.bytes, s.len);
}

static inline void expect(const char *source, const char *destination)
{
	char text[ADDR_TEXT_MAX];

	ck_assert(header.known);
	ck_assert_str_eq(addr_format(&header.source, text, sizeof(text)), source);
	ck_assert_str_eq(addr_format(&header.destination, text, sizeof(text)), destination);
}

#endif
