/* SPDX-License-Identifier: MIT */
/* Any process. --help-config: the table of keys for people. */
#include <preforkd/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/load.h"
#include "config/options.h"
#include "config/rows.h"
#include "config/values.h"

#define WIDTH  78
#define INDENT "    "

/* Prints TEXT in lines of at most WIDTH characters, each with INDENT. */
static void print_wrapped(const char *text, FILE *out)
{
	size_t column = 0, len;

	while (*text != '\0') {
		len = strcspn(text, " ");
		if (column > 0 && column + 1 + len > WIDTH) {
			(void)fputc('\n', out);
			column = 0;
		}
		if (column == 0) {
			(void)fputs(INDENT, out);
			column = strlen(INDENT);
		} else {
			(void)fputc(' ', out);
			column++;
		}
		(void)fprintf(out, "%.*s", (int)len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

/* True for "" and for whole parts of PATH: "workers" is a prefix of "workers.max", "work" is not. */
static bool is_prefix(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return len == 0 || (strncmp(path, prefix, len) == 0 && (path[len] == '\0' || path[len] == '.'));
}

/* The part of PATH that is a key of a service: after "services.NAME." or "defaults.", else all of PATH. */
static const char *find_service_key(const char *path)
{
	const char *dot;

	if (is_prefix(path, "defaults"))
		return path + strlen("defaults") + (path[strlen("defaults")] == '.');
	if (!is_prefix(path, "services"))
		return path;
	path += strlen("services");
	dot = *path == '.' ? strchr(path + 1, '.') : NULL;
	return dot != NULL ? dot + 1 : "";
}

static const char *name_preset(const struct row *row)
{
	if (row->preset != NULL && row->empty != NULL && *row->preset == '\0')
		return row->empty;
	return row->preset != NULL ? row->preset : "none";
}

static void print_row(const char *prefix, const struct row *row, FILE *out)
{
	char values[256];

	row_describe(row, values, sizeof(values));
	(void)fprintf(out, "%s%s\n", prefix, row->path);
	print_wrapped(row->help, out);
	(void)fprintf(out, INDENT "%s\n", values);
	(void)fprintf(out, INDENT "default: %s; a change needs: %s\n\n", name_preset(row),
		      row_reload_name(row->reload));
}

static int print_rows(const char *title, const char *prefix, const struct row *rows, size_t n, const char *path,
		      FILE *out)
{
	int found = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_prefix(rows[i].path, path))
			continue;
		if (found++ == 0)
			(void)fprintf(out, "%s\n\n", title);
		print_row(prefix, &rows[i], out);
	}
	return found;
}

static void print_handlers(const struct preforkd_module *const *handlers, FILE *out)
{
	size_t i;

	(void)fputs("Handlers\n\n", out);
	for (i = 0; handlers != NULL && handlers[i] != NULL; i++)
		(void)fprintf(out, INDENT "%-12s %s%s\n", handlers[i]->name, handlers[i]->summary,
			      (handlers[i]->flags & PREFORKD_COMMAND) != 0 ? " (needs command)" : "");
}

static void print_legend(FILE *out)
{
	(void)fputs("Durations: 500ms, 30s, 5min, 1h, 2d, or a number of seconds. Sizes: 4096, "
		    "64K, 10M.\n"
		    "At a reload, a change needs: live: nothing; workers: new workers; listener: a "
		    "new\nsocket and new workers. Connections of old workers are served to their "
		    "end.\n\n",
		    out);
}

int config_help_options(const struct config *config, const char *path, FILE *out)
{
	const char *wanted = path == NULL || strcmp(path, "options") == 0 ? "" : path;
	const struct config_store *store = config->store;
	char prefix[128], whole[256];
	int found = 0;
	size_t i, k;

	for (i = 0; i < store->n_services; i++) {
		const struct service_values *values = &store->services[i];
		int of_service = 0;

		(void)snprintf(prefix, sizeof(prefix), "services.%s.options.", values->service.name);
		for (k = 0; k < values->options.n; k++) {
			const struct row *row = &values->options.list[k].row;

			(void)snprintf(whole, sizeof(whole), "%s%s", prefix, row->path);
			if (!is_prefix(whole, wanted))
				continue;
			if (of_service++ == 0)
				(void)fprintf(out, "Options of the module %s: %s\n\n", values->service.handler->name,
					      values->service.handler->summary);
			print_row(prefix, row, out);
		}
		found += of_service;
	}
	return found;
}

int config_help(const char *path, const struct preforkd_module *const *handlers, FILE *out)
{
	const char *wanted = path != NULL ? path : "";
	const char *key = find_service_key(wanted);
	int found = 0;

	if (*wanted == '\0')
		print_legend(out);
	if (key == wanted)
		found += print_rows("Keys of the whole program", "", rows_main, rows_main_count, wanted, out);
	found += print_rows("Keys of a service, or in `defaults` for all services", "services.NAME.", rows_service,
			    rows_service_count, key, out);
	if (found > 0 && (is_prefix("handler", key)))
		print_handlers(handlers, out);
	return found > 0 ? 0 : -1;
}
