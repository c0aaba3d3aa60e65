/* SPDX-License-Identifier: MIT */
/* The sample file, the manual and --help-config, compared with the table of keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "base/arena.h"
#include "base/err.h"
#include "config/build.h"
#include "config/config.h"
#include "config/load.h"
#include "config/row.h"
#include "config/rows.h"
#include "config/set_value.h"
#include "config/values.h"
#include "syntax/problems.h"
#include "syntax/raw.h"
#include "syntax/read.h"

#include "../suite.h"

static char *read_tree_file(const char *name)
{
	char path[4096];
	char *text = NULL;
	size_t size = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", top_srcdir(), name);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	ck_assert_int_gt(getdelim(&text, &size, '\0', in), 0);
	(void)fclose(in);
	return text;
}

/* Lines "#key" become keys; "# text" stays text. */
static void write_uncommented(const char *text, FILE *out)
{
	bool starts = true;

	for (; *text != '\0'; text++) {
		if (!(starts && *text == '#' && text[1] != ' ' && text[1] != '\n'))
			(void)fputc(*text, out);
		starts = *text == '\n';
	}
}

/* The raw values of the sample file, with all keys uncommented. */
static void read_sample(struct arena *arena, struct problems *problems, struct raws *raws)
{
	char path[] = "/tmp/check_config_docs.XXXXXX";
	char *text = read_tree_file("etc/preforkd.conf");
	int fd = mkstemp(path);
	FILE *out;

	ck_assert_int_ge(fd, 0);
	out = fdopen(fd, "w");
	ck_assert_ptr_nonnull(out);
	write_uncommented(text, out);
	ck_assert_int_eq(fclose(out), 0);
	free(text);
	(void)read_file(path, false, arena, problems, raws);
	(void)unlink(path);
}

static void print_problems(const struct problems *problems)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
}

static const struct raw *find_raw(const struct raws *raws, const char *prefix, const char *path)
{
	char whole[128];
	size_t i;

	(void)snprintf(whole, sizeof(whole), "%s%s", prefix, path);
	for (i = 0; i < raws->n; i++) {
		if (strcmp(raws->list[i]->path, whole) == 0)
			return raws->list[i];
	}
	return NULL;
}

static size_t field_size(const struct row *row)
{
	switch (row->type) {
	case ROW_INTEGER:
	case ROW_DECIMAL:
	case ROW_DURATION:
	case ROW_SIZE:
		return sizeof(int64_t);
	case ROW_BOOL:
		return sizeof(bool);
	case ROW_NAME:
		return sizeof(int);
	case ROW_MODE:
		return sizeof(mode_t);
	case ROW_STRING:
		return sizeof(char *);
	case ROW_RATE:
		return sizeof(struct rate);
	case ROW_LIST:
	case ROW_NUMBERS:
	case ROW_OPTIONS:
	case ROW_VARIABLES:
		break;
	}
	return 0;
}

static bool same_field(const struct row *row, const void *a, const void *b)
{
	const char *const *text_a = a, *const *text_b = b;

	if (row->type == ROW_STRING && *text_a != NULL && *text_b != NULL)
		return strcmp(*text_a, *text_b) == 0;
	return memcmp(a, b, field_size(row)) == 0;
}

/* RAW must be the default of the table; if there is none, RAW must be empty. */
static void expect_preset(const struct row *row, const struct raw *raw, struct arena *arena)
{
	const struct raw preset = {.type = RAW_TEXT, .string = row->preset};
	union {
		struct service_values service;
		struct main_values main;
	} *said = arena_alloc(arena, sizeof(*said)), *meant = arena_alloc(arena, sizeof(*meant));
	struct err err = {.text = ""};

	ck_assert_msg(set_value(row, raw, arena, said, &err) == 0, "%s: %s", row->path, err.text);
	if (row->preset != NULL)
		ck_assert_int_eq(set_value(row, &preset, arena, meant, &err), 0);
	ck_assert_msg(same_field(row, (char *)said + row->offset, (char *)meant + row->offset),
		      "the sample has another default for %s", row->path);
}

START_TEST(sample_has_every_key)
{
	struct arena *arena = arena_new();
	struct problems *problems = problems_new();
	struct config_store store = {.arena = arena};
	struct raws raws = {.list = NULL};
	const struct raw *raw;
	size_t i;

	read_sample(arena, problems, &raws);
	build_store(&raws, problems, &store);
	if (problems_count(problems) > 0)
		print_problems(problems);
	ck_assert_uint_eq(problems_count(problems), 0);
	for (i = 0; i < rows_main_count; i++) {
		raw = find_raw(&raws, "", rows_main[i].path);
		ck_assert_msg(raw != NULL, "the sample lacks %s", rows_main[i].path);
		if (rows_main[i].preset != NULL)
			expect_preset(&rows_main[i], raw, arena);
	}
	for (i = 0; i < rows_service_count; i++) {
		raw = find_raw(&raws, "defaults.", rows_service[i].path);
		if (raw != NULL)
			expect_preset(&rows_service[i], raw, arena);
		else
			ck_assert_msg(rows_service[i].preset == NULL, "the sample's defaults lack %s",
				      rows_service[i].path);
		if (raw == NULL)
			raw = find_raw(&raws, "services.git.", rows_service[i].path);
		if (raw == NULL)
			raw = find_raw(&raws, "services.store.", rows_service[i].path);
		ck_assert_msg(raw != NULL, "the sample lacks %s", rows_service[i].path);
	}
	raw_clear(&raws);
	problems_free(&problems);
	arena_free(&arena);
}
END_TEST

/* The sample as it is installed, with a user that exists here. */
START_TEST(sample_loads)
{
	const char *overrides[] = {"user="};
	struct config_source source = {.overrides = overrides, .n_overrides = 1, .handlers = fake_handlers};
	struct problems *problems;
	struct config *config;
	char path[4096];

	if (geteuid() == 0)
		overrides[0] = "user=root";
	(void)snprintf(path, sizeof(path), "%s/etc/preforkd.conf", top_srcdir());
	source.file = path;
	config = config_load(&source, &problems);
	print_problems(problems);
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_ptr_nonnull(config);
	ck_assert_uint_ge(config->n_services, 1);
	config_free(&config);
	problems_free(&problems);
}
END_TEST

/* The entry "\n.B KEY\n" of the manual after AFTER, up to the next entry; NULL: there is none. */
static char *find_entry(const char *manual, const char *after, const char *key)
{
	char head[128];
	const char *begin = strstr(manual, after);
	const char *end;

	(void)snprintf(head, sizeof(head), "\n.TP\n.B %s\n", key);
	begin = begin != NULL ? strstr(begin, head) : NULL;
	if (begin == NULL)
		return NULL;
	begin += strlen(head);
	end = strstr(begin, "\n.TP\n");
	return strndup(begin, end != NULL ? (size_t)(end - begin) : strlen(begin));
}

static void expect_in_manual(const char *manual, const char *after, const struct row *row)
{
	char *entry = find_entry(manual, after, row->path);
	char text[128];

	ck_assert_msg(entry != NULL, "the manual lacks %s", row->path);
	if (row->preset != NULL) {
		(void)snprintf(text, sizeof(text), "default: %s;", *row->preset != '\0' ? row->preset : row->empty);
		ck_assert_msg(strstr(entry, text) != NULL, "the manual on %s lacks: %s", row->path, text);
	}
	(void)snprintf(text, sizeof(text), "; %s)", row_reload_name(row->reload));
	ck_assert_msg(strstr(entry, text) != NULL || strstr(entry, text + 2) != NULL, "the manual on %s lacks: %s",
		      row->path, text);
	free(entry);
}

START_TEST(manual_has_every_key)
{
	char *manual = read_tree_file("man/preforkd.conf.5");
	size_t i;

	for (i = 0; i < rows_main_count; i++)
		expect_in_manual(manual, ".SH KEYS OF THE PROGRAM", &rows_main[i]);
	for (i = 0; i < rows_service_count; i++)
		expect_in_manual(manual, ".SH KEYS OF A SERVICE", &rows_service[i]);
	free(manual);
}
END_TEST

/* The manual explains the classes of reload before the keys. */
START_TEST(manual_has_every_class)
{
	char *manual = read_tree_file("man/preforkd.conf.5");
	char *keys = strstr(manual, ".SH KEYS OF THE PROGRAM");
	char head[64];
	int class;

	ck_assert_ptr_nonnull(keys);
	*keys = '\0';
	for (class = RELOAD_LIVE; class <= RELOAD_LISTENER; class ++) {
		(void)snprintf(head, sizeof(head), "\n.TP\n.B %s\n", row_reload_name((enum row_reload) class));
		ck_assert_msg(strstr(manual, head) != NULL, "%s", head);
	}
	free(manual);
}
END_TEST

static bool is_known(const char *key)
{
	size_t i;

	if (strcmp(key, "defaults") == 0 || strcmp(key, "services") == 0)
		return true;
	for (i = 0; i < rows_main_count; i++) {
		if (strcmp(rows_main[i].path, key) == 0)
			return true;
	}
	for (i = 0; i < rows_service_count; i++) {
		if (strcmp(rows_service[i].path, key) == 0)
			return true;
	}
	return false;
}

/* A key that is not in the table must not be in the manual. */
START_TEST(manual_has_no_other_key)
{
	char *manual = read_tree_file("man/preforkd.conf.5");
	char *p = strstr(manual, ".SH KEYS OF THE PROGRAM");
	char *end = strstr(manual, ".SH ADDRESSES");
	char key[64];
	size_t n = 0;

	ck_assert(p != NULL && end != NULL);
	for (; (p = strstr(p, "\n.TP\n.B ")) != NULL && p < end; p++) {
		ck_assert_int_eq(sscanf(p, "\n.TP\n.B %63s", key), 1);
		ck_assert_msg(is_known(key), "the manual has %s", key);
		n++;
	}
	ck_assert_uint_eq(n, rows_main_count + rows_service_count + 2);
	free(manual);
}
END_TEST

static char *help(const char *path, int expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(config_help(path, fake_handlers, out), expected);
	(void)fclose(out);
	return text;
}

/* The entry of a key, which ends with an empty line, tells what a change needs. */
static void expect_in_help(const char *text, const char *prefix, const struct row *row)
{
	char head[128], needs[64];
	const char *begin, *end, *said;

	(void)snprintf(head, sizeof(head), "\n\n%s%s\n", prefix, row->path);
	(void)snprintf(needs, sizeof(needs), "; a change needs: %s\n\n", row_reload_name(row->reload));
	begin = strstr(text, head);
	ck_assert_msg(begin != NULL, "%s", head);
	end = strstr(begin + 2, "\n\n");
	said = strstr(begin, needs);
	ck_assert_msg(said != NULL && said < end, "%s: %s", row->path, needs);
}

START_TEST(help_has_every_key)
{
	char *text = help(NULL, 0);
	size_t i;

	for (i = 0; i < rows_main_count; i++)
		expect_in_help(text, "", &rows_main[i]);
	for (i = 0; i < rows_service_count; i++)
		expect_in_help(text, "services.NAME.", &rows_service[i]);
	ck_assert_ptr_nonnull(strstr(text, "the summary of discard"));
	free(text);
}
END_TEST

START_TEST(help_of_one)
{
	static const char *const paths[] = {
		"workers.max",
		"services.NAME.workers.max",
		"services.git.workers.max",
		"defaults.workers.max",
	};
	char *text;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		text = help(paths[i], 0);
		ck_assert_ptr_nonnull(strstr(text, "services.NAME.workers.max\n"));
		ck_assert_ptr_null(strstr(text, "workers.max_requests"));
		ck_assert_ptr_null(strstr(text, "Handlers"));
		free(text);
	}
	text = help("log", 0);
	ck_assert_ptr_nonnull(strstr(text, "log.facility"));
	ck_assert_ptr_null(strstr(text, "services.NAME"));
	free(text);
	text = help("handler", 0);
	ck_assert_ptr_nonnull(strstr(text, "exec"));
	free(text);
	free(help("worker", -1));
	free(help("services.git.nonsense", -1));
}
END_TEST

/* The table itself: what the code that reads it relies on. */
START_TEST(table_is_sound)
{
	size_t i;

	for (i = 0; i < rows_main_count + rows_service_count; i++) {
		const struct row *row = i < rows_main_count ? &rows_main[i] : &rows_service[i - rows_main_count];

		ck_assert_ptr_nonnull(row->help);
		ck_assert_msg(row->type != ROW_NAME || row->names != NULL, "%s", row->path);
		ck_assert_msg(row->min <= row->max, "%s", row->path);
		/* the greatest integer of libconfig without an L */
		if (row->type == ROW_INTEGER)
			ck_assert_int_le(row->max, INT32_MAX);
		/* 0 with a meaning of its own must not be in the range. */
		ck_assert_msg(row->zero == NULL || row->min > 0, "%s", row->path);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_docs");
	TCase *tc = tcase_create("config_docs");

	tcase_add_test(tc, sample_has_every_key);
	tcase_add_test(tc, sample_loads);
	tcase_add_test(tc, manual_has_every_key);
	tcase_add_test(tc, manual_has_every_class);
	tcase_add_test(tc, manual_has_no_other_key);
	tcase_add_test(tc, help_has_every_key);
	tcase_add_test(tc, help_of_one);
	tcase_add_test(tc, table_is_sound);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
