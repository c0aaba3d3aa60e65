/* SPDX-License-Identifier: MIT */
#include "base/unit_files.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/parse.h"
#include "base/unit_settings.h"

#define DROP_INS_MOST 64
#define BLANKS	      " \t\r\n"

/* A file in an earlier folder replaces the one of the same name in a later folder. */
static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
				      "/usr/lib/systemd/system", "/lib/systemd/system"};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

struct unit_reader {
	const char *root;
	struct unit_settings *settings;
	struct limits *limits;
	char template[256]; /* preforkd@.service; "": the unit is no instance */
	char instance[256];
	struct drop_in {
		char name[256], path[PATH_MAX + 256];
	} * drop_ins;
	size_t n;
};

static void split_name(struct unit_reader *r, const char *unit)
{
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	if (at == NULL || dot == NULL || dot < at)
		return;
	(void)snprintf(r->template, sizeof(r->template), "%.*s%s", (int)(at + 1 - unit), unit, dot);
	(void)snprintf(r->instance, sizeof(r->instance), "%.*s", (int)(dot - at - 1), at + 1);
}

/* Replaces the specifiers of systemd.unit(5) that paths and names have. */
static void expand(const struct unit_reader *r, const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + 1 < size; text++) {
		const char *piece = NULL;

		if (text[0] == '%' && text[1] != '\0')
			piece = text[1] == 'i' || text[1] == 'I' ? r->instance
				: text[1] == 'n'		 ? r->settings->unit
				: text[1] == 't'		 ? "/run"
				: text[1] == '%'		 ? "%"
								 : NULL;
		if (piece == NULL) {
			out[used++] = *text;
			continue;
		}
		used += (size_t)snprintf(out + used, size - used, "%s", piece);
		text++;
	}
	out[used < size ? used : size - 1] = '\0';
}

/* ---- values ---- */

static void set_limit(struct unit_reader *r, const char *name, const char *value)
{
	char soft[64];
	int64_t number;

	(void)snprintf(soft, sizeof(soft), "%.*s", (int)strcspn(value, ":"), value);
	if (strcmp(name, "TimeoutStopSec") == 0) {
		if (parse_duration(value, &number, NULL) == 0 && number > 0)
			r->limits->stop_ms = number;
	} else if (parse_integer(soft, &number, NULL) < 0) {
		return;
	} else if (strcmp(name, "LimitNOFILE") == 0) {
		r->limits->files = number;
	} else if (strcmp(name, "LimitNPROC") == 0) {
		r->limits->processes = number;
	} else if (strcmp(name, "TasksMax") == 0) {
		r->limits->tasks = number;
		(void)snprintf(r->limits->tasks_set, sizeof(r->limits->tasks_set), "TasksMax= of %s",
			       r->settings->unit);
	}
}

/* Cuts an item such as "from:to:options" down to the part that the setting is about. */
static void cut_item(const struct unit_setting_name *name, char *item)
{
	bool pairs = name->kind == UNIT_LIST_OF_FIRSTS || name->kind == UNIT_LIST_OF_SECONDS;
	char *colon = pairs ? strchr(item, ':') : NULL;

	if (colon != NULL && name->kind == UNIT_LIST_OF_SECONDS)
		memmove(item, colon + 1, strlen(colon));
	if (pairs)
		item[strcspn(item, ":")] = '\0';
}

/* Adds the items of VALUE to the list; an empty value empties it. */
static void add_items(struct unit_reader *r, const struct unit_setting_name *name, char *value)
{
	const char *before = unit_settings_get(r->settings, name->name), *inverted = "";
	size_t size = (before != NULL ? strlen(before) : 0) + strlen(value) * 2 + 3, used = 0;
	char *list = *value != '\0' ? malloc(size) : NULL, *item;

	if (list == NULL) {
		unit_settings_set(r->settings, name->name, "");
		return;
	}
	list[0] = '\0';
	if (before != NULL)
		used = (size_t)snprintf(list, size, "%s", before);
	if (value[0] == '~') {
		inverted = "~";
		value++;
	}
	for (item = strtok(value, BLANKS "\""); item != NULL; item = strtok(NULL, BLANKS "\"")) {
		cut_item(name, item);
		used += (size_t)snprintf(list + used, size - used, "%s%s%s", used > 0 ? "\n" : "", inverted, item);
	}
	unit_settings_set(r->settings, name->name, list);
	free(list);
}

static void take_assignment(struct unit_reader *r, const char *name, const char *written)
{
	const struct unit_setting_name *known = unit_settings_name(name);
	char value[8192];

	expand(r, written, value, sizeof(value));
	set_limit(r, name, value);
	if (known == NULL)
		return;
	if (known->kind == UNIT_TEXT)
		unit_settings_set(r->settings, name, value);
	else
		add_items(r, known, value);
}

/* ---- files ---- */

/* Takes blanks off both ends. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]) != 0)
		text[--len] = '\0';
	return text;
}

static void take_line(struct unit_reader *r, char *line, bool *in_service)
{
	char *text = trim(line), *sign = strchr(text, '=');

	if (text[0] == '[') {
		*in_service = strcmp(text, "[Service]") == 0;
	} else if (*in_service && sign != NULL && text[0] != '#' && text[0] != ';') {
		*sign = '\0';
		take_assignment(r, trim(text), trim(sign + 1));
	}
}

static bool read_unit_file(struct unit_reader *r, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[8192];
	size_t used = 0;
	bool in_service = false;

	if (f == NULL)
		return false;
	while (fgets(line + used, (int)(sizeof(line) - used), f) != NULL) {
		used += strcspn(line + used, "\r\n");
		/* A backslash at its end continues a line, which then has a blank. */
		if (used > 0 && line[used - 1] == '\\' && used + 1 < sizeof(line)) {
			line[used - 1] = ' ';
			continue;
		}
		line[used] = '\0';
		take_line(r, line, &in_service);
		used = 0;
	}
	(void)fclose(f);
	return true;
}

static bool read_fragment(struct unit_reader *r, const char *unit)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < FOLDERS && unit[0] != '\0'; i++) {
		(void)snprintf(path, sizeof(path), "%s%s/%s", r->root, folders[i], unit);
		if (read_unit_file(r, path))
			return true;
	}
	return false;
}

static void add_drop_in(struct unit_reader *r, const char *folder, const char *name)
{
	size_t len = strlen(name);
	struct drop_in *drop_in = &r->drop_ins[r->n];

	if (len <= strlen(".conf") || strcmp(name + len - strlen(".conf"), ".conf") != 0 || r->n >= DROP_INS_MOST)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->drop_ins[i].name, name) == 0)
			return;
	}
	(void)snprintf(drop_in->name, sizeof(drop_in->name), "%s", name);
	(void)snprintf(drop_in->path, sizeof(drop_in->path), "%s/%s", folder, name);
	r->n++;
}

static void find_drop_ins(struct unit_reader *r, const char *unit)
{
	const struct dirent *entry;
	char folder[PATH_MAX];

	for (size_t i = 0; i < FOLDERS && unit[0] != '\0'; i++) {
		DIR *dir;

		(void)snprintf(folder, sizeof(folder), "%s%s/%s.d", r->root, folders[i], unit);
		dir = opendir(folder);
		while (dir != NULL && (entry = readdir(dir)) != NULL)
			add_drop_in(r, folder, entry->d_name);
		if (dir != NULL)
			(void)closedir(dir);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

void unit_files_take(const char *const *lines, struct unit_settings *settings, struct limits *limits)
{
	struct unit_reader r = {.root = "", .settings = settings, .limits = limits};
	bool in_service = false;
	char line[1024];

	split_name(&r, settings->unit);
	for (; *lines != NULL; lines++) {
		(void)snprintf(line, sizeof(line), "%s", *lines);
		take_line(&r, line, &in_service);
	}
	(void)snprintf(limits->unit, sizeof(limits->unit), "%s", settings->unit);
}

bool unit_files_read(const char *root, struct unit_settings *settings, struct limits *limits)
{
	struct unit_reader r = {.root = root, .settings = settings, .limits = limits};
	bool found;

	split_name(&r, settings->unit);
	found = read_fragment(&r, settings->unit) || read_fragment(&r, r.template);
	r.drop_ins = found ? calloc(DROP_INS_MOST + 1, sizeof(*r.drop_ins)) : NULL;
	if (r.drop_ins == NULL)
		return found;
	find_drop_ins(&r, settings->unit);
	find_drop_ins(&r, r.template);
	qsort(r.drop_ins, r.n, sizeof(*r.drop_ins), compare_names);
	for (size_t i = 0; i < r.n; i++)
		(void)read_unit_file(&r, r.drop_ins[i].path);
	free(r.drop_ins);
	(void)snprintf(limits->unit, sizeof(limits->unit), "%s", settings->unit);
	return true;
}
