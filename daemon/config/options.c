/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <preforkd/module.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/checker.h"
#include "config/nearest.h"
#include "config/set_value.h"
#include "syntax/raw.h"

#define NAMES_MOST 64 /* options that a suggestion is searched among */

static const struct {
	enum row_type type;
	size_t offset, width;
} types[] = {
	[PREFORKD_INTEGER] = {ROW_INTEGER, offsetof(struct option_value, number), sizeof(int64_t)},
	[PREFORKD_DURATION] = {ROW_DURATION, offsetof(struct option_value, number), sizeof(int64_t)},
	[PREFORKD_SIZE] = {ROW_SIZE, offsetof(struct option_value, number), sizeof(int64_t)},
	[PREFORKD_BOOL] = {ROW_BOOL, offsetof(struct option_value, flag), sizeof(bool)},
	[PREFORKD_STRING] = {ROW_STRING, offsetof(struct option_value, text), sizeof(char *)},
	[PREFORKD_LIST] = {ROW_LIST, offsetof(struct option_value, list), sizeof(struct preforkd_list)},
};

size_t options_width(int type)
{
	return type >= 0 && (size_t)type < sizeof(types) / sizeof(types[0]) ? types[type].width : 0;
}

static const char *copy_text(struct arena *arena, const char *text)
{
	return text != NULL ? arena_strdup(arena, text) : NULL;
}

struct row options_row(const struct preforkd_option *option, struct arena *arena)
{
	return (struct row){
		.path = copy_text(arena, option->name),
		.type = types[option->type].type,
		.offset = types[option->type].offset,
		.preset = copy_text(arena, option->preset),
		.min = option->min,
		.max = option->max,
		.zero = copy_text(arena, option->zero),
		.reload = RELOAD_WORKERS,
		.help = option->help != NULL ? copy_text(arena, option->help) : "",
	};
}

/* The raw value of the option NAME; NULL: there is none. With -o an option may be set again; the last one counts. */
static struct raw *find_raw(const struct service_values *values, const char *name)
{
	struct raw *found = NULL;
	size_t i;

	for (i = 0; i < values->n_option_raws; i++) {
		if (strcmp(strrchr(values->option_raws[i]->path, '.') + 1, name) == 0)
			found = values->option_raws[i];
	}
	return found;
}

static void report_unknown(const struct checker *checker, const struct service_values *values,
			   const struct preforkd_module *module)
{
	const char *names[NAMES_MOST];
	size_t i, k, n = 0;

	for (i = 0; module->options != NULL && module->options[i].name != NULL && n < NAMES_MOST; i++)
		names[n++] = module->options[i].name;
	for (i = 0; i < values->n_option_raws; i++) {
		const struct raw *raw = values->option_raws[i];
		const char *name = strrchr(raw->path, '.') + 1;
		const struct value_source source = {.level = LEVEL_SERVICE, .origin = raw->origin, .key = raw->path};
		const char *near;

		for (k = 0; k < n && strcmp(names[k], name) != 0; k++)
			;
		if (k < n || raw->bad)
			continue;
		near = nearest_word(names, n, name);
		if (near != NULL)
			checker_error(checker, values, &source,
				      "the module \"%.64s\" has no such option; did you mean %.64s?", module->name,
				      near);
		else
			checker_error(checker, values, &source, "the module \"%.64s\" has no such option",
				      module->name);
	}
}

static void take_preset(const struct checker *checker, const struct service_values *values, struct option_value *value)
{
	struct raw raw = {.type = RAW_TEXT, .string = value->row.preset};
	struct err err;

	if (raw.string != NULL && set_value(&value->row, &raw, checker->store->arena, value, &err) < 0)
		checker_error(checker, values, &value->source, "the module's own default is wrong: %s", err.text);
}

static void take_option(const struct checker *checker, const struct service_values *values,
			const struct preforkd_option *option, struct option_value *value)
{
	struct raw *raw = find_raw(values, option->name);
	struct err err;

	value->row = options_row(option, checker->store->arena);
	value->source.key =
		arena_printf(checker->store->arena, "services.%s.options.%s", values->service.name, option->name);
	take_preset(checker, values, value);
	if (raw == NULL) {
		if (option->required)
			checker_error(checker, values, &value->source, "missing: the module needs it");
		return;
	}
	value->source.level = LEVEL_SERVICE;
	value->source.origin = raw->origin;
	if (!raw->bad && set_value(&value->row, raw, checker->store->arena, value, &err) < 0)
		checker_error(checker, values, &value->source, "%s", err.text);
}

static void put_option(const struct option_value *value, const struct preforkd_option *option, char *base)
{
	void *member = base + option->offset;
	const struct preforkd_list list = {.items = (const char *const *)value->list.items, .n = value->list.n};

	if (option->type == PREFORKD_LIST)
		memcpy(member, &list, sizeof(list));
	else
		memcpy(member, &value->number, types[option->type].width); /* any member of the union */
}

void options_take(const struct checker *checker, struct service_values *values, const struct preforkd_module *module)
{
	struct arena *arena = checker->store->arena;
	char *base;
	size_t i, n = 0;

	while (module->options != NULL && module->options[n].name != NULL)
		n++;
	report_unknown(checker, values, module);
	values->options.list = arena_alloc(arena, n * sizeof(struct option_value));
	values->options.n = n;
	base = module->options_size > 0 ? arena_alloc(arena, module->options_size) : NULL;
	for (i = 0; i < n; i++) {
		take_option(checker, values, &module->options[i], &values->options.list[i]);
		put_option(&values->options.list[i], &module->options[i], base);
	}
	values->service.options = base;
}
