/* SPDX-License-Identifier: MIT */
/* Files of the configuration: broken ones, included ones, and the places in messages. */
#include "config/load.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "config/config.h"
#include "config/nearest.h"
#include "syntax/folder.h"

#include "../config_fakes.h"
#include "../suite.h"
#include "config_case.h"

/* True: the problem that a line "# expect: WHERE: TEXT" of a broken file names was reported at that place. */
static bool is_expected_said(const char *dir, const char *file, const char *where, const char *text, int level)
{
	const char *colon = strstr(text, ": ");
	const struct problem *problem;
	char prefix[4400];
	size_t i, len;

	if (strcmp(where, "-") == 0)
		(void)snprintf(prefix, sizeof(prefix), "%s/%s: ", dir, file);
	else if (strchr(where, ':') != NULL)
		(void)snprintf(prefix, sizeof(prefix), "%s/%s: ", dir, where);
	else
		(void)snprintf(prefix, sizeof(prefix), "%s/%s:%s: ", dir, file, where);
	/* The key, if any, follows the place directly. */
	len = strlen(prefix);
	if (colon != NULL && text[0] != '@') {
		(void)snprintf(prefix + len, sizeof(prefix) - len, "%.*s", (int)(colon + 2 - text), text);
		text = colon + 2;
	}
	for (i = 0; i < problems_count(problems); i++) {
		problem = problems_get(problems, i);
		if (problem->level == level && strncmp(problem->text, prefix, strlen(prefix)) == 0 &&
		    strstr(problem->text + strlen(prefix), text) != NULL)
			return true;
	}
	return false;
}

static size_t count_level(int level)
{
	size_t i, n = 0;

	for (i = 0; i < problems_count(problems); i++)
		n += problems_get(problems, i)->level == level;
	return n;
}

/* Loading FILE must report the problems that FILE names, and no others. */
static void replay(const char *dir, const char *file)
{
	const char *overrides[] = {own_user, NULL};
	char path[8192], line[512], where[128];
	size_t n_errors = 0, n_warnings = 0;
	int begin, level;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	load_with(path, overrides);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		level = strncmp(line, "# warn:", 7) == 0 ? LOG_WARNING : LOG_ERR;
		begin = 0;
		if (sscanf(line, "# expect: %127[^ ] %n", where, &begin) != 1 &&
		    sscanf(line, "# warn: %127[^ ] %n", where, &begin) != 1)
			continue;
		where[strlen(where) - 1] = '\0';
		n_errors += level == LOG_ERR;
		n_warnings += level == LOG_WARNING;
		if (!is_expected_said(dir, file, where, line + begin, level)) {
			print_problems();
			ck_abort_msg("%s: not said: %s", file, line);
		}
	}
	(void)fclose(in);
	ck_assert_msg(n_errors + n_warnings > 0, "%s expects nothing", file);
	if (count_level(LOG_ERR) != n_errors || count_level(LOG_WARNING) != n_warnings) {
		print_problems();
		ck_abort_msg("%s: something else was said", file);
	}
	ck_assert_msg((config == NULL) == (n_errors > 0), "%s", file);
}

START_TEST(broken_files)
{
	char dir[4096];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "%s/tests/unit/broken", top_srcdir());
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL) {
		if (strstr(entry->d_name, ".conf") == NULL)
			continue;
		replay(dir, entry->d_name);
		n++;
	}
	(void)closedir(d);
	ck_assert_int_ge(n, 40);
}
END_TEST

START_TEST(folder_names)
{
	static const char *const names[][2] = {
		{"/etc/preforkd/preforkd.conf", "/etc/preforkd/conf.d"},
		{"/etc/preforkd/web.conf", "/etc/preforkd/web.d"},
		{"/etc/a.b.conf", "/etc/a.b.d"},
		{"preforkd.conf", "conf.d"},
		{"../web", "../web.d"},
		{"/.conf", "/.conf.d"},
	};
	char out[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		folder_beside(names[i][0], out, sizeof(out));
		ck_assert_str_eq(out, names[i][1]);
	}
}
END_TEST

START_TEST(conf_d)
{
	put("main.conf", "services: { m: { handler = \"echo\"; listen = \"*:1\"; }; };\n");
	put("main.d/b.conf", "services: { m: { backlog = 5; }; b: { handler = \"echo\"; listen = \"*:2\"; }; };");
	put("main.d/B.conf", "services: { c: { handler = \"echo\"; listen = \"*:3\"; }; };");
	put("main.d/.hidden.conf", "nonsense");
	put("main.d/b.conf~", "nonsense");
	put("main.d/README", "nonsense");
	load(NULL);
	expect_good();
	ck_assert_uint_eq(config->n_services, 3);
	ck_assert_str_eq(config->services[0].name, "m");
	ck_assert_int_eq(config->services[0].backlog, 5);
	ck_assert_str_eq(config->services[1].name, "c");
	ck_assert_str_eq(config->services[2].name, "b");
	put("main.d/z.conf", "services: { m: { listen = \"*:4\";\nbacklog = 6; }; };");
	load(NULL);
	expect_error("z.conf:1: services.m.listen: is set twice; the first time in ");
	expect_error("main.conf:1");
	expect_error("z.conf:2: services.m.backlog: is set twice; the first time in ");
	expect_error("main.d/b.conf:1");
}
END_TEST

/* A file that cannot be read does not hide mistakes in other files. */
START_TEST(all_files_reported)
{
	put("main.conf", "services: { m: { handler = \"echo\"; listen = \"*:1\"; backlog = 0; }; };\n");
	put("main.d/a.conf", "user = ;");
	put("main.d/b.conf", "services: { b: { backlog = 0; }; };\n");
	load(NULL);
	expect_error("main.conf:1: services.m.backlog: ");
	expect_error("a.conf:1: user: the value is missing");
	expect_error("b.conf:1: services.b.backlog: ");
	ck_assert(!says(": missing"));
	ck_assert_uint_eq(problems_count(problems), 3);
	ck_assert_ptr_nonnull(strstr(problems_get(problems, 0)->text, "main.conf"));
	ck_assert_ptr_nonnull(strstr(problems_get(problems, 2)->text, "b.conf"));
}
END_TEST

/* A file with a relative name is found again after the working directory has changed. */
START_TEST(relative_file)
{
	struct config *first;

	put("main.conf", "@include \"inc\"\n");
	put("inc", "services: { a: { handler = \"echo\"; listen = \"*:1\"; }; };");
	put("main.d/b.conf", "@include \"../inc2\"\n");
	put("inc2", "services: { a: { backlog = 5; }; };");
	ck_assert_int_eq(chdir(folder), 0);
	load_with("main.conf", (const char *[]){own_user, NULL});
	expect_good();
	ck_assert_str_eq(config->file, path_of("main.conf"));
	first = config;
	config = NULL;
	ck_assert_int_eq(chdir("/"), 0);
	load_with(first->file, (const char *[]){own_user, NULL});
	config_free(&first); /* the second configuration must not use memory of the first */
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_str_eq(config->file, path_of("main.conf"));
	ck_assert_int_eq(config->services[0].backlog, 5);
	ck_assert_str_eq(config->services[0].listen_origin[0].file, path_of("inc"));
}
END_TEST

START_TEST(files_that_are_none)
{
	load(NULL);
	expect_error("main.conf: cannot open it: No such file or directory");
	ck_assert_int_eq(mkdir(path_of("main.conf"), 0755), 0);
	load(NULL);
	expect_error("main.conf: it is a directory");
	ck_assert_int_eq(rmdir(path_of("main.conf")), 0);
	put("main.conf", "");
	load(NULL);
	expect_error("main.conf: services: there is no service");
	ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
	put("main.conf", "@include \"fifo\"\n");
	load(NULL);
	expect_error("main.conf:1: @include \"fifo\": it is not a regular file");
}
END_TEST

/* Lines are counted in strings, comments and included files too. The last line needs no line end. */
START_TEST(places)
{
	put("inc", "/* two\nlines */ backlog =\n\"x\";");
	put("main.conf", "services: { a: { handler = \"echo\"; # \"not a string\n"
			 "command = \"two\nlines\"; // @include \"nowhere\"\n"
			 "  @include \"inc\" listen = 5;\r\n"
			 "worng = \"@include \\\"\\\\\"; }; }; # end");
	load(NULL);
	expect_error("inc:2: services.a.backlog: ");
	expect_error("main.conf:4: services.a.listen: ");
	expect_error("main.conf:5: services.a.worng: ");
	ck_assert_uint_eq(problems_count(problems), 4);
	ck_assert(says("main.conf:2: services.a.command: "));
}
END_TEST

START_TEST(include_bomb)
{
	put("bomb1", "@include \"bomb2\"\n@include \"bomb2\"\n@include \"bomb2\"\n@include \"bomb2\"\n");
	put("bomb2", "@include \"bomb3\"\n@include \"bomb3\"\n@include \"bomb3\"\n@include \"bomb3\"\n");
	put("bomb3", "@include \"bomb4\"\n@include \"bomb4\"\n@include \"bomb4\"\n@include \"bomb4\"\n");
	put("bomb4", "@include \"bomb5\"\n@include \"bomb5\"\n@include \"bomb5\"\n@include \"bomb5\"\n");
	put("bomb5", "@include \"bomb6\"\n@include \"bomb6\"\n@include \"bomb6\"\n@include \"bomb6\"\n");
	put("bomb6", "");
	put("main.conf", "@include \"bomb1\"\n");
	load(NULL);
	expect_error("more than 1000 files");
}
END_TEST

/* A mistake at one place that concerns all services is reported once. */
START_TEST(said_once)
{
	put("main.conf", "defaults: { user = \"no-such-user\"; workers: { min = 9; max = 3; }; };\n"
			 "services: { a: { handler = \"echo\"; listen = \"*:1\"; };\n"
			 "  b: { handler = \"echo\"; listen = \"*:2\"; }; };\n");
	load(NULL);
	expect_error("main.conf:1: defaults.user: there is no user \"no-such-user\"");
	expect_error("main.conf:1: defaults.workers.min: workers.min is 9, more than");
	ck_assert_uint_eq(problems_count(problems), 2);
}
END_TEST

START_TEST(nearest)
{
	static const char *const words[] = {"echo", "exec", "discard"};

	ck_assert_uint_eq(nearest_distance("abc", "abc"), 0);
	ck_assert_uint_eq(nearest_distance("abc", "acb"), 1);
	ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(nearest_distance("", "abc"), 3);
	ck_assert_str_eq(nearest_word(words, 3, "eco"), "echo");
	ck_assert_str_eq(nearest_word(words, 3, "dsicard"), "discard");
	ck_assert_ptr_null(nearest_word(words, 3, "teleport"));
	ck_assert_ptr_null(nearest_word(words, 0, "x"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_files");
	TCase *tc = tcase_create("config_files");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60); /* a resolver may take long to answer */
	tcase_add_test(tc, broken_files);
	tcase_add_test(tc, folder_names);
	tcase_add_test(tc, conf_d);
	tcase_add_test(tc, all_files_reported);
	tcase_add_test(tc, relative_file);
	tcase_add_test(tc, files_that_are_none);
	tcase_add_test(tc, places);
	tcase_add_test(tc, include_bomb);
	tcase_add_test(tc, said_once);
	tcase_add_test(tc, nearest);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
