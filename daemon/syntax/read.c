/* SPDX-License-Identifier: MIT */
#include "syntax/read.h"

#include <libconfig.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "syntax/duplicate.h"
#include "syntax/problems.h"
#include "syntax/scan.h"

#ifdef __has_feature
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

#if HAS_ASAN
/* libconfig 1.5 leaks the strings that it has read when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}
#endif

/* Groups in groups: deeper than any known key, so all keys below are unknown anyway. */
#define DEPTH_MOST 8

struct reader {
	const struct scan *scan;
	struct arena *arena;
	struct raws *raws;
};

static void read_value(const struct reader *r, const config_setting_t *setting, struct raw *raw);

static void read_items(const struct reader *r, const config_setting_t *setting, struct raw *raw)
{
	int n = config_setting_length(setting);
	int i;

	raw->type = RAW_LIST;
	raw->n_items = (size_t)n;
	raw->items = arena_alloc(r->arena, raw->n_items * sizeof(*raw->items));
	for (i = 0; i < n; i++)
		read_value(r, config_setting_get_elem(setting, (unsigned)i), &raw->items[i]);
}

static void read_value(const struct reader *r, const config_setting_t *setting, struct raw *raw)
{
	raw->origin = scan_origin(r->scan, config_setting_source_line(setting));
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		raw->type = RAW_INTEGER;
		raw->integer = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		raw->type = RAW_FLOAT;
		raw->real = config_setting_get_float(setting);
		break;
	case CONFIG_TYPE_BOOL:
		raw->type = RAW_BOOL;
		raw->boolean = config_setting_get_bool(setting) != 0;
		break;
	case CONFIG_TYPE_STRING:
		raw->type = RAW_STRING;
		raw->string = arena_strdup(r->arena, config_setting_get_string(setting));
		break;
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		/* No key takes a list in a list, so its items are not read. */
		if (raw->path != NULL)
			read_items(r, setting, raw);
		else
			raw->type = RAW_LIST;
		break;
	default: /* CONFIG_TYPE_GROUP; libconfig's types are no enum, so the compiler wants a default */
		raw->type = RAW_GROUP;
		break;
	}
}

static void read_group(const struct reader *r, const config_setting_t *group, const char *path, int depth)
{
	const config_setting_t *setting;
	const char *name;
	struct raw *raw;
	int n = config_setting_length(group);
	int i;

	for (i = 0; i < n; i++) {
		setting = config_setting_get_elem(group, (unsigned)i);
		name = config_setting_name(setting);
		if (path != NULL)
			name = arena_printf(r->arena, "%s.%s", path, name);
		else
			name = arena_strdup(r->arena, name);
		raw = raw_add(r->raws, r->arena, name);
		read_value(r, setting, raw);
		if (raw->type == RAW_GROUP && depth < DEPTH_MOST)
			read_group(r, setting, name, depth + 1);
	}
}

/* A name that stands twice in a group. False: it is not found. */
static bool report_duplicate(const struct scan *scan, unsigned line, struct problems *problems)
{
	struct duplicate duplicate;
	struct origin first, second;

	if (!duplicate_find(scan->text, line, &duplicate))
		return false;
	first = scan_origin(scan, duplicate.first);
	second = scan_origin(scan, duplicate.second);
	if (first.file == NULL)
		problems_add(problems, LOG_ERR, &second, duplicate.path, "is set twice");
	else
		problems_add(problems, LOG_ERR, &second, duplicate.path, "is set twice; the first time in %s:%d",
			     first.file, first.line);
	return true;
}

/* Reports libconfig's error, at the line that its parser had reached. */
static void report_syntax(const config_t *config, const struct scan *scan, struct problems *problems)
{
	unsigned line = (unsigned)config_error_line(config);
	struct origin where = scan_origin(scan, line);
	const char *text = config_error_text(config);

	if (text != NULL && strstr(text, "duplicate") != NULL && report_duplicate(scan, line, problems))
		return;
	if (text != NULL && strcmp(text, "syntax error") == 0)
		problems_add(problems, LOG_ERR, &where, NULL,
			     "syntax error: something is wrong or missing here or before it");
	else
		problems_add(problems, LOG_ERR, &where, NULL, "syntax error: %s", text != NULL ? text : "unknown");
}

/* Lets libconfig parse the text of SCAN, into *raws. */
static int parse_text(const struct scan *scan, struct arena *arena, struct problems *problems, struct raws *raws)
{
	struct reader r = {.scan = scan, .arena = arena, .raws = raws};
	config_t config;
	int rc = 0;

	config_init(&config);
	if (config_read_string(&config, scan->text) == CONFIG_TRUE) {
		read_group(&r, config_root_setting(&config), NULL, 0);
	} else {
		report_syntax(&config, scan, problems);
		rc = -1;
	}
	config_destroy(&config);
	return rc;
}

int read_file(const char *file, bool wary, struct arena *arena, struct problems *problems, struct raws *raws)
{
	struct scan scan;
	int rc;

	rc = scan_file(file, wary, arena, problems, &scan);
	if (rc == 0)
		rc = parse_text(&scan, arena, problems, raws);
	scan_clear(&scan);
	return rc;
}

int read_override(const char *text, struct arena *arena, struct problems *problems, struct raws *raws)
{
	const struct origin where = {.file = NULL, .line = -1};
	const char *equals = strchr(text, '=');
	struct raws parsed = {.list = NULL};
	const char *value, *path;
	struct scan scan;
	struct raw *raw;
	int rc = 0;

	if (equals == NULL || equals == text) {
		problems_add(problems, LOG_ERR, &where, NULL, "\"%s\" is not PATH=VALUE", text);
		return -1;
	}
	path = arena_printf(arena, "%.*s", (int)(equals - text), text);
	value = equals + 1;
	if (*value == '\0' || strchr("[(\"", *value) == NULL) {
		raw = raw_add(raws, arena, path);
		raw->origin = where;
		raw->type = RAW_TEXT;
		raw->string = arena_strdup(arena, value);
		return 0;
	}
	/* VALUE is in the syntax of a file: read it like a file with one key. */
	value = arena_printf(arena, "value = %s\n;", value);
	if (scan_text(value, &where, arena, problems, &scan) < 0 || parse_text(&scan, arena, problems, &parsed) < 0) {
		rc = -1;
	} else if (parsed.n != 1) {
		problems_add(problems, LOG_ERR, &where, path, "more than one value");
		rc = -1;
	} else {
		raw = raw_add(raws, arena, path);
		*raw = *parsed.list[0];
		raw->path = path;
	}
	scan_clear(&scan);
	raw_clear(&parsed);
	return rc;
}
