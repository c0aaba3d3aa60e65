/* SPDX-License-Identifier: MIT */
/* A configuration of access rules, read from files of the test. */
#ifndef PREFORKD_TESTS_ACCESS_CASE_H
#define PREFORKD_TESTS_ACCESS_CASE_H

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "config/config.h"
#include "config/load.h"
#include "net/addr.h"
#include "net/networks.h"

#include "../peers.h"
#include "../suite.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BASE	      "services: { a: { handler = \"echo\"; listen = [ \"127.0.0.1:7\", \"unix:@check\" ]; }; };\n"

static char folder[] = "/tmp/check_config_access.XXXXXX";
static char own_user[128]; /* "user=NAME": needed as root, without effect for other users */
static struct problems *problems;
static struct config *config;
static bool portable;

static inline const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline void put_bytes(const char *name, const char *text, size_t len)
{
	FILE *out = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
}

static inline void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static inline size_t count(int level)
{
	size_t i, n = 0;

	for (i = 0; i < problems_count(problems); i++)
		n += problems_get(problems, i)->level == level;
	return n;
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

static inline void print_problems(void)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
}

/* Loads main.conf with up to three -o. "@" in their values stands for the folder. */
static inline void load(const char *one, const char *two, const char *three)
{
	const char *const given[] = {one, two, three};
	char texts[3][600];
	const char *overrides[4] = {own_user};
	struct config_source source = {.file = path_of("main.conf"),
				       .overrides = overrides,
				       .n_overrides = 1,
				       .handlers = fake_handlers,
				       .portable = portable};
	const char *at;

	for (size_t i = 0; i < 3 && given[i] != NULL; i++) {
		at = strchr(given[i], '@');
		(void)snprintf(texts[i], sizeof(texts[i]), "%.*s%s%s", at != NULL ? (int)(at - given[i]) : 500,
			       given[i], at != NULL ? folder : "", at != NULL ? at + 1 : "");
		overrides[source.n_overrides++] = texts[i];
	}
	problems_free(&problems);
	config_free(&config);
	config = config_load(&source, &problems);
}

static inline const struct config_service *service(size_t i)
{
	if (config == NULL)
		print_problems();
	ck_assert_ptr_nonnull(config);
	return &config->services[i];
}

static inline int64_t find_as(const struct networks *set, const char *text, const struct unix_peer *cred)
{
	struct sockaddr_any peer = at(text);

	return networks_find(set, &peer, cred);
}

static inline bool in(const struct networks *set, const char *text)
{
	return find_as(set, text, NULL) >= 0;
}

/* The text of the rule that applies to a client, after "+" (allow) or "-" (deny); "": no rule applies. */
static inline const char *rule_of(const char *text, const struct unix_peer *cred)
{
	const struct config_access *access = &service(0)->access;
	int64_t i = find_as(access->rules, text, cred);
	static char out[128];

	if (i < 0)
		return "";
	ck_assert_uint_lt((size_t)i, access->n_rules);
	(void)snprintf(out, sizeof(out), "%c%s", access->rule[i].allow ? '+' : '-', access->rule[i].text);
	return out;
}

static inline void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	(void)snprintf(own_user, sizeof(own_user), "user=%s", pw != NULL ? pw->pw_name : "");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(path_of("main.d"), 0755), 0);
	put("main.conf", BASE);
	put("one", "192.0.2.1\n");
	put("empty", "# nobody\n\n   \t\n");
}

static inline void tear_down(void)
{
	static const char *const names[] = {"main.conf", "one", "empty", "list", "main.d/x"};

	problems_free(&problems);
	config_free(&config);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlink(path_of(names[i]));
	(void)rmdir(path_of("main.d"));
	(void)rmdir(folder);
}

#endif
