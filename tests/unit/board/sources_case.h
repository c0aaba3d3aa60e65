/* SPDX-License-Identifier: MIT */
/* A table of sources, new for each test. */
#ifndef PREFORKD_TESTS_SOURCES_CASE_H
#define PREFORKD_TESTS_SOURCES_CASE_H

#include <string.h>

#include "base/err.h"
#include "board/sources.h"

#include "../suite.h"

#define SECOND_US 1000000LL
#define NOW_US	  (5000 * SECOND_US)
#define NOW_MS	  (NOW_US / 1000)

static struct sources *sources;
static struct err err;
static bool untracked;

static inline void setup(void)
{
	sources = sources_new(256, &err);
	ck_assert_msg(sources != NULL, "%s", err.text);
}

static inline void renew(void)
{
	sources_unref(&sources);
	setup();
}

/* ---- penalties ---- */

static const struct sources_penalty_rule rule = {.most = 3, .within_ms = 10000, .duration_ms = 60000};

#endif
