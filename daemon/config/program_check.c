/* SPDX-License-Identifier: MIT */
#include "config/program_check.h"

#include <string.h>

#include "base/arena.h"
#include "config/checker.h"
#include "config/program_mark.h"
#include "config/rows.h"
#include "config/same.h"
#include "config/set_value.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/raw.h"

/* A program that does not notify counts as ready after this time, unless timeouts.start was written. */
#define READY_MS 1000
#define PROVE_MS 5000 /* the default of timeouts.prove for programs */

/* Keys about what a worker does between accept(2) and its program; a program that accepts by itself has no worker. */
static const char *const without_effect[] = {
	"access.",
	"banner",
	"penalty.",
	"proxy_protocol.",
	"timeouts.first_byte",
	"timeouts.send",
	"timeouts.idle",
	"timeouts.total",
	"workers.min_spare",
	"workers.max_spare",
	"workers.max_requests",
	"workers.on_full",
	"on_hangup",
	"on_cut",
};

static bool has_no_effect(const char *path)
{
	for (size_t i = 0; i < sizeof(without_effect) / sizeof(without_effect[0]); i++)
		if (strncmp(path, without_effect[i], strlen(without_effect[i])) == 0)
			return true;
	return false;
}

/* True: the value is the default. --print-config writes all values, so a written default is not worth a warning. */
static bool is_default(const struct checker *checker, const struct service_values *values, const struct row *row)
{
	struct raw raw = {.path = row->path, .type = RAW_TEXT, .string = row->preset};
	struct service_values scratch = {.handler = NULL};

	if (row->preset != NULL && set_value(row, &raw, checker->store->arena, &scratch, NULL) < 0)
		return false;
	return same_field(row, (const char *)&scratch + row->offset, (const char *)values + row->offset);
}

static const char *const for_listen[] = {
	"program.listener_fd", "program.notify", "program.watchdog", "program.stop_signal", "workers.max_unavailable",
};

static const char *const for_programs[] = {
	"program.argv0",
	"program.environment",
	"program.pass_environment",
	"program.log_rate",
};

static bool is_in(const char *const *list, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], path) == 0)
			return true;
	return false;
}

/* Why the key PATH has no effect; NULL: it has one. */
static const char *find_reason(const struct service_values *values, const char *path)
{
	if (values->service.program.runs)
		return has_no_effect(path) ? "has no effect: the program accepts by itself" : NULL;
	if (values->service.handler == NULL)
		return NULL;
	if (is_in(for_listen, sizeof(for_listen) / sizeof(for_listen[0]), path))
		return "has no effect: it is for programs that accept by themselves (the handler \"listen\")";
	if (values->command.n == 0 && is_in(for_programs, sizeof(for_programs) / sizeof(for_programs[0]), path))
		return "has no effect: it is for programs (the handlers \"exec\" and \"listen\")";
	return NULL;
}

/* Warns about keys of this service that have no effect; keys in `defaults` are meant for other services. */
static void warn_useless(const struct checker *checker, const struct service_values *values)
{
	for (size_t i = 0; i < rows_service_count; i++) {
		const struct value_source *source = &values->sources[i];
		const char *why = find_reason(values, rows_service[i].path);

		if (why != NULL && source->level == LEVEL_SERVICE && !is_default(checker, values, &rows_service[i]))
			checker_warning(checker, values, source, "%s", why);
	}
}

static void complete_values(struct service_values *values)
{
	int64_t lanes = values->n_lanes > 0 ? (int64_t)values->n_lanes : 1;
	struct config_service *service = &values->service;
	struct config_workers *w = &service->workers;

	/* Values in `defaults` are meant for other services: they must not apply here. */
	w->on_full = ON_FULL_QUEUE;
	w->max_requests = 0;
	service->penalty.crashes = service->penalty.refusals = 0;
	service->access.rules = service->access.probes = NULL;
	service->access.exempt = service->access.reserve_for = NULL;
	service->access.only_allowed = false;
	service->access.n_times = 0;
	service->access.max_load = 0;
	service->banner = NULL;
	service->access.per_source = service->access.reserve = 0;
	service->access.per_source_rate.n = service->access.per_source_datagrams.n = service->access.rate.n = 0;
	service->proxy_protocol.from = NULL;
	if (value_source(values, "workers.max")->level == LEVEL_PRESET && w->max < w->min * lanes)
		w->max = w->min * lanes;
	/* With no limit, the program would count as ready before it runs. */
	if (!service->program.notify &&
	    (service->timeouts.start == 0 || value_source(values, "timeouts.start")->level == LEVEL_PRESET))
		service->timeouts.start = READY_MS;
	if (value_source(values, "timeouts.prove")->level == LEVEL_PRESET)
		service->timeouts.prove = PROVE_MS;
}

/* The mark of the files as the program sees them. */
static uint64_t mark_program(const struct checker *checker, const struct service_values *values)
{
	const struct text_list *command = &values->command;
	struct arena *arena = checker->store->arena;
	const char *root = values->service.sandbox.root;
	char **words = command->items;

	if (root != NULL) {
		words = arena_alloc(arena, (command->n + 1) * sizeof(*words));
		for (size_t i = 0; i < command->n; i++)
			words[i] = command->items[i][0] == '/' ? arena_printf(arena, "%s%s", root, command->items[i])
							       : command->items[i];
	}
	return program_mark(words, command->n, &values->service.identity);
}

void program_check(const struct checker *checker, struct service_values *values)
{
	warn_useless(checker, values);
	if (!values->service.program.runs)
		return;
	complete_values(values);
	values->program_mark = mark_program(checker, values);
}
