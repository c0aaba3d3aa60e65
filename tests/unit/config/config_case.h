/* SPDX-License-Identifier: MIT */
/* A configuration, read from files of the test, and its problems. */
#ifndef PREFORKD_TESTS_CONFIG_CASE_H
#define PREFORKD_TESTS_CONFIG_CASE_H

#include "config/load.h"

#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "config/config.h"

#include "../suite.h"

#define ONE "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; }; };\n"

static char folder[] = "/tmp/check_config.XXXXXX";
static char own_user[128]; /* "user=NAME": needed as root, without effect for other users */
static struct problems *problems;
static struct config *config;

static inline const char *path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline void put(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path_of(name), 0644), 0);
}

/* OVERRIDES ends with NULL. The caller adds own_user if the configuration needs a user. */
static inline void load_with(const char *file, const char *const *overrides)
{
	struct config_source source = {.file = file, .overrides = overrides, .handlers = fake_handlers};

	while (overrides[source.n_overrides] != NULL)
		source.n_overrides++;
	problems_free(&problems);
	config_free(&config);
	config = config_load(&source, &problems);
}

static inline void load(const char *override)
{
	const char *overrides[] = {own_user, override, NULL};

	load_with(path_of("main.conf"), overrides);
}

static inline void print_problems(void)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
}

static inline bool says(const char *text)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++) {
		if (strstr(problems_get(problems, i)->text, text) != NULL)
			return true;
	}
	return false;
}

static inline void expect_good(void)
{
	if (config == NULL)
		print_problems();
	ck_assert_ptr_nonnull(config);
}

/* The configuration was refused, and TEXT is part of a message. */
static inline void expect_error(const char *text)
{
	ck_assert_ptr_null(config);
	if (!says(text))
		print_problems();
	ck_assert_msg(says(text), "nothing says: %s", text);
}

static inline void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	(void)snprintf(own_user, sizeof(own_user), "user=%s", pw != NULL ? pw->pw_name : "");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("main.d"), 0755), 0);
}

static inline void remove_in(const char *name)
{
	char path[4096];
	DIR *dir = opendir(name);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			(void)unlink(path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(name);
}

static inline void tear_down(void)
{
	problems_free(&problems);
	config_free(&config);
	remove_in(path_of("main.d"));
	remove_in(folder);
}

#endif
