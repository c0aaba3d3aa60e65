/* SPDX-License-Identifier: MIT */
/* Handlers that exist by name only, what a configuration prints, and the tree's place, for the tests of the
 * configuration. */
#ifndef PREFORKD_TESTS_CONFIG_FAKES_H
#define PREFORKD_TESTS_CONFIG_FAKES_H

#include <check.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load.h"

#define FAKE(NAME, FLAGS)                                                                                              \
	{                                                                                                              \
		.abi = PREFORKD_MODULE_ABI, .size = sizeof(struct preforkd_module), .name = NAME,                      \
		.summary = "the summary of " NAME, .flags = FLAGS,                                                     \
	}

static const struct preforkd_module fakes[] = {
	FAKE("echo", PREFORKD_STREAM | PREFORKD_DATAGRAM),
	FAKE("discard", PREFORKD_STREAM),
	FAKE("daytime", PREFORKD_STREAM),
	FAKE("chargen", PREFORKD_STREAM),
	FAKE("time", PREFORKD_STREAM),
	FAKE("exec", PREFORKD_STREAM | PREFORKD_COMMAND),
	FAKE("packets", PREFORKD_DATAGRAM),
	FAKE("module", PREFORKD_STREAM | PREFORKD_PATH),
	FAKE("proxy", PREFORKD_STREAM | PREFORKD_UPSTREAM),
	FAKE("both", PREFORKD_STREAM | PREFORKD_COMMAND | PREFORKD_UPSTREAM),
};

static const struct preforkd_module *const fake_handlers[] = {&fakes[0], &fakes[1], &fakes[2], &fakes[3],
							      &fakes[4], &fakes[5], &fakes[6], &fakes[7],
							      &fakes[8], &fakes[9], NULL};

/* The output of --print-config; the caller frees it. */
static inline char *config_printed(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	config_print(config, out);
	(void)fclose(out);
	return text;
}

/* Where the sources are: make check says it. */
static inline const char *top_srcdir(void)
{
	const char *dir = getenv("TOP_SRCDIR");

#ifdef TOP_SRCDIR
	if (dir == NULL)
		dir = TOP_SRCDIR;
#endif
	return dir != NULL ? dir : ".";
}

#endif
