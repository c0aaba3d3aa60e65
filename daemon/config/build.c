/* SPDX-License-Identifier: MIT */
#include "config/build.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/environment.h"
#include "config/foreign_words.h"
#include "config/nearest.h"
#include "config/rows.h"
#include "config/set_value.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"
#include "syntax/raw.h"

#define SERVICE_NAME_MOST 64

/* The keys of a group that is one row. */
struct members {
	struct raw **list; /* malloc()ed */
	size_t n;
};

/* A set of keys: those of the program, of `defaults`, or of one service. */
struct scope {
	const char *name; /* of the service; NULL for the other sets */
	struct origin origin;
	const struct row *rows;
	size_t n_rows;
	struct raw **raw;	  /* one for each row; NULL: not written */
	struct members options;	  /* of the module */
	struct members variables; /* of the environment */
};

struct builder {
	struct problems *problems;
	struct config_store *store;
	struct scope main, defaults;
	struct scope *services;
	size_t n_services;
	const char *skip; /* a group that was reported: problems with its keys are not */
};

static void init_scope(struct builder *b, struct scope *scope, const struct row *rows, size_t n)
{
	*scope = (struct scope){.rows = rows, .n_rows = n};
	scope->raw = arena_alloc(b->store->arena, n * sizeof(struct raw *));
}

__attribute__((format(printf, 3, 4))) static void reject_raw(struct builder *b, struct raw *raw, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problems_vadd(b->problems, LOG_ERR, &raw->origin, raw->path, fmt, ap);
	va_end(ap);
	raw->bad = true;
}

static bool is_inside(const char *path, const char *group)
{
	size_t len = strlen(group);

	return strncmp(path, group, len) == 0 && path[len] == '.';
}

static bool is_group(const struct scope *scope, const char *path)
{
	size_t i;

	for (i = 0; i < scope->n_rows; i++) {
		if (is_inside(scope->rows[i].path, path))
			return true;
	}
	return false;
}

static bool is_row(const struct scope *scope, const char *path)
{
	size_t i;

	for (i = 0; i < scope->n_rows; i++) {
		if (strcmp(scope->rows[i].path, path) == 0)
			return true;
	}
	return false;
}

static const char *const top_groups[] = {"services", "defaults"};

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

/* Reports KEY, the end of raw->path, as unknown in SCOPE, with a key that may have been meant. */
static void report_unknown(struct builder *b, const struct scope *scope, struct raw *raw, const char *key)
{
	int prefix = (int)(key - raw->path);
	const char *group = NULL, *found, *foreign;
	char near[64], answer[400];

	if (raw->type == RAW_GROUP)
		b->skip = raw->path;
	if (scope == &b->main)
		group = nearest_word(top_groups, 2, key);
	foreign = foreign_words_answer(key, answer, sizeof(answer));
	found = nearest_key(scope->rows, scope->n_rows, key, near, sizeof(near));
	if (foreign != NULL && found != NULL && strcasecmp(last_part(key), last_part(near)) == 0 &&
	    strstr(foreign, near) == NULL)
		reject_raw(b, raw, "unknown key; did you mean %.*s%s? Or %s", prefix, raw->path, near, foreign);
	else if (foreign != NULL)
		reject_raw(b, raw, "%s", foreign);
	else if (group != NULL)
		reject_raw(b, raw, "unknown key; did you mean %s?", group);
	else if (scope == &b->main && (is_group(&b->defaults, key) || is_row(&b->defaults, key)))
		reject_raw(b, raw, "belongs to a service: did you mean defaults.%s?", key);
	else if (found != NULL)
		reject_raw(b, raw, "unknown key; did you mean %.*s%s?", prefix, raw->path, near);
	else
		reject_raw(b, raw, "unknown key");
}

/* The row of a group whose keys are not in the table, if KEY is that row or one of its keys. NULL: KEY is neither. */
static const struct row *group_row_of(const struct scope *scope, const char *key)
{
	size_t i;

	for (i = 0; i < scope->n_rows; i++) {
		const struct row *row = &scope->rows[i];

		if ((row->type == ROW_OPTIONS || row->type == ROW_VARIABLES) &&
		    (strcmp(row->path, key) == 0 || is_inside(key, row->path)))
			return row;
	}
	return NULL;
}

static const struct raw *find_member(const struct members *members, const char *path)
{
	size_t i;

	for (i = 0; i < members->n; i++) {
		if (strcmp(members->list[i]->path, path) == 0)
			return members->list[i];
	}
	return NULL;
}

/* Keeps RAW as one of the MEMBERS of its group. With -o a member may be set again; the last -o counts. */
static void add_member(struct builder *b, struct members *members, struct raw *raw)
{
	const struct raw *first = find_member(members, raw->path);

	if (first != NULL && raw->origin.file != NULL) {
		reject_raw(b, raw, "is set twice; the first time in %s:%d", first->origin.file, first->origin.line);
		return;
	}
	members->list = arena_resize(members->list, members->n + 1, sizeof(*members->list));
	members->list[members->n++] = raw;
}

/* Keeps an option as a raw value, until the module is loaded and tells its options. */
static void assign_option(struct builder *b, struct scope *scope, struct raw *raw, const char *name)
{
	if (scope == &b->defaults) {
		b->skip = raw->path;
		reject_raw(b, raw, "belongs to one service: each module has its own options");
	} else if (raw->type == RAW_GROUP || strchr(name, '.') != NULL) {
		b->skip = raw->path;
		reject_raw(b, raw, "an option of a module is a value, not a group");
	} else {
		add_member(b, &scope->options, raw);
	}
}

static void assign_variable(struct builder *b, struct scope *scope, struct raw *raw, const char *name)
{
	struct err err;

	if (environment_check(raw, name, &err) < 0) {
		b->skip = raw->path;
		reject_raw(b, raw, "%s", err.text);
	}
	add_member(b, &scope->variables, raw);
}

/* KEY is ROW, a group whose keys are not in the table, or one of its keys. */
static void assign_member(struct builder *b, struct scope *scope, struct raw *raw, const struct row *row,
			  const char *key)
{
	const char *name = strcmp(row->path, key) == 0 ? NULL : key + strlen(row->path) + 1;

	if (name == NULL && raw->type != RAW_GROUP)
		reject_raw(b, raw, "is a group of keys: %s: { ... }", last_part(row->path));
	else if (row->type == ROW_OPTIONS && (name != NULL || scope == &b->defaults))
		assign_option(b, scope, raw, name != NULL ? name : "");
	else if (name != NULL)
		assign_variable(b, scope, raw, name);
}

/* Stores RAW as the value of KEY in SCOPE. */
static void assign_value(struct builder *b, struct scope *scope, struct raw *raw, const char *key)
{
	const struct row *group = group_row_of(scope, key);
	const struct raw *first;
	size_t i;

	if (group != NULL) {
		assign_member(b, scope, raw, group, key);
		return;
	}
	for (i = 0; i < scope->n_rows; i++) {
		if (strcmp(scope->rows[i].path, key) == 0)
			break;
	}
	if (i == scope->n_rows) {
		if (!is_group(scope, key))
			report_unknown(b, scope, raw, key);
		else if (raw->type != RAW_GROUP)
			reject_raw(b, raw, "is a group of keys: %s: { ... }", key);
		return;
	}
	first = scope->raw[i];
	/* With -o a key may be set again; the last -o counts. */
	if (first != NULL && raw->origin.file != NULL) {
		reject_raw(b, raw, "is set twice; the first time in %s:%d", first->origin.file, first->origin.line);
		return;
	}
	scope->raw[i] = raw;
}

static const char *check_name(const char *name, size_t len)
{
	size_t i;

	if (len == 0)
		return "a service needs a name";
	if (len > SERVICE_NAME_MOST)
		return "the name of a service has at most 64 characters";
	if (!isalpha((unsigned char)name[0]))
		return "the name of a service begins with a letter";
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
			return "the name of a service has letters, digits, - and _ only";
	}
	return NULL;
}

static struct scope *find_service(struct builder *b, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < b->n_services; i++) {
		if (strlen(b->services[i].name) == len && strncmp(b->services[i].name, name, len) == 0)
			return &b->services[i];
	}
	return NULL;
}

static struct scope *add_service(struct builder *b, const struct raw *raw, const char *name, size_t len)
{
	struct scope *scope;

	b->services = arena_resize(b->services, b->n_services + 1, sizeof(*b->services));
	scope = &b->services[b->n_services++];
	init_scope(b, scope, rows_service, rows_service_count);
	scope->name = arena_printf(b->store->arena, "%.*s", (int)len, name);
	scope->origin = raw->origin;
	return scope;
}

/* NAME is the part of raw->path after "services.". */
static void place_in_service(struct builder *b, struct raw *raw, const char *name)
{
	const char *dot = strchr(name, '.');
	size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);
	const char *complaint = check_name(name, len);
	struct scope *scope;

	if (complaint != NULL) {
		reject_raw(b, raw, "%s", complaint);
		b->skip = raw->path;
		return;
	}
	if (dot == NULL && raw->type != RAW_GROUP) {
		reject_raw(b, raw, "is a group of keys: %.*s: { ... }", (int)len, name);
		return;
	}
	scope = find_service(b, name, len);
	if (scope == NULL)
		scope = add_service(b, raw, name, len);
	if (dot != NULL)
		assign_value(b, scope, raw, dot + 1);
}

static void place_raw(struct builder *b, struct raw *raw)
{
	size_t i;

	if (b->skip != NULL && is_inside(raw->path, b->skip))
		return;
	b->skip = NULL;
	for (i = 0; i < 2; i++) {
		if (strcmp(raw->path, top_groups[i]) == 0) {
			if (raw->type != RAW_GROUP)
				reject_raw(b, raw, "is a group of keys: %s: { ... }", top_groups[i]);
			return;
		}
	}
	if (is_inside(raw->path, "services")) {
		place_in_service(b, raw, raw->path + strlen("services."));
		return;
	}
	if (is_inside(raw->path, "defaults")) {
		assign_value(b, &b->defaults, raw, raw->path + strlen("defaults."));
		return;
	}
	assign_value(b, &b->main, raw, raw->path);
}

/* Stores RAW as the value of ROW into BASE. False: there is no such value, or it is wrong, which is reported once. */
static bool take_value(struct builder *b, const struct row *row, struct raw *raw, void *base)
{
	struct err err;

	if (raw == NULL || raw->bad)
		return false;
	if (set_value(row, raw, b->store->arena, base, &err) == 0)
		return true;
	reject_raw(b, raw, "%s", err.text);
	return false;
}

/* Stores the default of ROW, from the table. */
static void take_preset(struct builder *b, const struct row *row, void *base)
{
	struct raw raw = {.path = row->path, .type = RAW_TEXT, .string = row->preset};

	if (row->preset != NULL && set_value(row, &raw, b->store->arena, base, NULL) < 0)
		abort(); /* a mistake in the table */
}

static void fill_main(struct builder *b)
{
	struct main_values *values = &b->store->main;
	struct value_source *source;
	struct raw *raw;
	size_t i;

	values->sources = arena_alloc(b->store->arena, rows_main_count * sizeof(*source));
	for (i = 0; i < rows_main_count; i++) {
		raw = b->main.raw[i];
		source = &values->sources[i];
		source->key = rows_main[i].path;
		take_preset(b, &rows_main[i], values);
		source->bad = raw != NULL;
		if (take_value(b, &rows_main[i], raw, values)) {
			source->level = LEVEL_SERVICE;
			source->origin = raw->origin;
			source->bad = false;
		}
	}
}

/* Reports wrong values in `defaults` once, and not for each service. */
static void check_defaults(struct builder *b)
{
	struct service_values scratch = {.handler = NULL};
	size_t i;

	for (i = 0; i < rows_service_count; i++)
		(void)take_value(b, &rows_service[i], b->defaults.raw[i], &scratch);
}

/* A service has the variables of `defaults`, with its own. */
static void fill_variables(struct builder *b, const struct scope *scope, struct value_source *source,
			   struct service_values *values)
{
	const struct members *own = &scope->variables, *defaults = &b->defaults.variables;
	const struct members *nearest = own->n > 0 ? own : defaults;

	environment_add(defaults->list, defaults->n, b->store->arena, &values->environment);
	environment_add(own->list, own->n, b->store->arena, &values->environment);
	if (nearest->n == 0)
		return;
	source->level = own->n > 0 ? LEVEL_SERVICE : LEVEL_DEFAULTS;
	source->origin = nearest->list[0]->origin;
}

static void fill_service(struct builder *b, const struct scope *scope, struct service_values *values)
{
	struct arena *arena = b->store->arena;
	struct value_source *source;
	const struct row *row;
	struct raw *raw;
	size_t i;

	values->sources = arena_alloc(arena, rows_service_count * sizeof(*source));
	values->service.name = arena_strdup(arena, scope->name);
	values->service.origin = scope->origin;
	values->n_option_raws = scope->options.n;
	values->option_raws = arena_alloc(arena, scope->options.n * sizeof(struct raw *));
	for (i = 0; i < scope->options.n; i++)
		values->option_raws[i] = scope->options.list[i];
	for (i = 0; i < rows_service_count; i++) {
		row = &rows_service[i];
		source = &values->sources[i];
		source->key = arena_printf(arena, "services.%s.%s", scope->name, row->path);
		if (row->type == ROW_VARIABLES) {
			fill_variables(b, scope, source, values);
			continue;
		}
		take_preset(b, row, values);
		raw = scope->raw[i];
		if (take_value(b, row, raw, values)) {
			source->level = LEVEL_SERVICE;
		} else {
			source->bad = raw != NULL || b->defaults.raw[i] != NULL;
			raw = b->defaults.raw[i];
			if (!take_value(b, row, raw, values))
				continue;
			source->level = LEVEL_DEFAULTS;
			source->key = raw->path;
		}
		source->bad = false;
		source->origin = raw->origin;
	}
}

/* Puts the disabled services behind the others, and keeps the order otherwise. */
static void put_disabled_last(struct config_store *store)
{
	struct service_values *sorted = arena_alloc(store->arena, store->n_services * sizeof(*sorted));
	size_t n = 0, i;

	for (i = 0; i < store->n_services; i++)
		if (store->services[i].service.enabled)
			sorted[n++] = store->services[i];
	for (i = 0; i < store->n_services; i++)
		if (!store->services[i].service.enabled)
			sorted[n++] = store->services[i];
	store->services = sorted;
}

void build_store(const struct raws *raws, struct problems *problems, struct config_store *store)
{
	struct builder b = {.problems = problems, .store = store};
	size_t i;

	init_scope(&b, &b.main, rows_main, rows_main_count);
	init_scope(&b, &b.defaults, rows_service, rows_service_count);
	for (i = 0; i < raws->n; i++)
		place_raw(&b, raws->list[i]);
	fill_main(&b);
	check_defaults(&b);
	store->n_services = b.n_services;
	store->services = arena_alloc(store->arena, b.n_services * sizeof(*store->services));
	for (i = 0; i < b.n_services; i++)
		fill_service(&b, &b.services[i], &store->services[i]);
	for (i = 0; i < b.n_services; i++) {
		free(b.services[i].options.list);
		free(b.services[i].variables.list);
	}
	free(b.defaults.variables.list);
	put_disabled_last(store);
	free(b.services);
}
