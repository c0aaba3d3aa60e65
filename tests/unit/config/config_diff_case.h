/* SPDX-License-Identifier: MIT */
/* Two configurations to compare, read from files of the test. */
#ifndef PREFORKD_TESTS_CONFIG_DIFF_CASE_H
#define PREFORKD_TESTS_CONFIG_DIFF_CASE_H

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "base/err.h"
#include "config/config.h"
#include "config/load.h"
#include "config/loader.h"

#include "../suite.h"

/* The command and the upstream are in defaults, so that a handler that takes none is no mistake. */
#define BASE                                                                                                           \
	"defaults: { command = \"/bin/sh\"; upstream = \"unix:/a\"; sandbox: { no_new_privileges = true; }; };\n"      \
	"services: { a: { handler = \"both\"; listen = \"127.0.0.1:7\"; }; };\n"

static const struct module_loader fake_loader;

static char folder[] = "/tmp/check_config_diff.XXXXXX";
static char own_user[128]; /* "user=NAME": needed as root, without effect for other users */
static struct config *a, *b;
static char keys[256];

static inline const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline void put(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* Loads main.conf with one -o; NULL: with none. */
static inline struct config *load(const char *override)
{
	const char *const overrides[] = {own_user, override};
	struct config_source source = {.file = path_of("main.conf"),
				       .overrides = overrides,
				       .n_overrides = override != NULL ? 2 : 1,
				       .handlers = fake_handlers,
				       .loader = &fake_loader};
	struct problems *problems;
	struct config *config = config_load(&source, &problems);
	size_t i;

	for (i = 0; config == NULL && i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
	ck_assert_msg(config != NULL, "%s", override != NULL ? override : "main.conf");
	problems_free(&problems);
	return config;
}

static inline void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	(void)snprintf(own_user, sizeof(own_user), "user=%s", pw != NULL ? pw->pw_name : "");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(path_of("main.d"), 0755), 0);
	put("main.conf", BASE);
	put("list", "192.0.2.0/24\n");
}

static inline void tear_down(void)
{
	config_free(&a);
	config_free(&b);
	(void)unlink(path_of("main.d/a.conf"));
	(void)unlink(path_of("main.conf"));
	(void)unlink(path_of("list"));
	(void)rmdir(path_of("main.d"));
	(void)rmdir(folder);
}

struct fake_options {
	int64_t number;
	const char *text;
	struct preforkd_list list;
	bool flag;
};

static const struct preforkd_option fake_options[] = {
	{.name = "number",
	 .type = PREFORKD_DURATION,
	 .offset = offsetof(struct fake_options, number),
	 .preset = "3s",
	 .min = 1,
	 .max = 10000,
	 .help = "a number"},
	{.name = "text", .type = PREFORKD_STRING, .offset = offsetof(struct fake_options, text)},
	{.name = "list", .type = PREFORKD_LIST, .offset = offsetof(struct fake_options, list)},
	{.name = "flag", .type = PREFORKD_BOOL, .offset = offsetof(struct fake_options, flag)},
	{.name = NULL},
};

static uint64_t fake_mark = 1;
static int fakes_open;

static inline struct loaded_module *fake_open(const char *path, uint64_t tried, struct err *err)
{
	(void)tried;
	struct loaded_module *module = calloc(1, sizeof(*module));

	(void)path;
	(void)err;
	ck_assert_ptr_nonnull(module);
	module->table = (struct preforkd_module){.name = "fake",
						 .flags = PREFORKD_STREAM,
						 .options = fake_options,
						 .options_size = sizeof(struct fake_options)};
	module->mark = fake_mark;
	fakes_open++;
	return module;
}

static inline void fake_close(struct loaded_module **module)
{
	if (*module != NULL)
		fakes_open--;
	free(*module);
	*module = NULL;
}

static const struct module_loader fake_loader = {.open = fake_open, .close = fake_close};

#endif
