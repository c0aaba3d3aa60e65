/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include <inttypes.h>
#include <preforkd/module.h>
#include <stddef.h>

#include "config/access_check.h"
#include "config/checker.h"
#include "config/confine_check.h"
#include "config/program_check.h"
#include "config/sandbox_check.h"
#include "config/value_source.h"
#include "config/values.h"

#define DATAGRAMS_PRESET 100  /* in the table; a user who writes it asks for nothing */
#define MODE_PRESET	 0666 /* the default of socket.mode in the table; a user who writes it asks for nothing */

/* Adapts default limits to written ones: `max = 1` alone must not fail because the default of min is 2. */
static void adapt_presets(struct service_values *values)
{
	struct config_workers *w = &values->service.workers;
	int64_t lanes = values->n_lanes > 0 ? (int64_t)values->n_lanes : 1;

	if (value_source(values, "workers.max")->level == LEVEL_PRESET && w->max < w->min * lanes &&
	    value_source(values, "workers.min")->level == LEVEL_PRESET)
		w->max = w->min * lanes;
	if (value_source(values, "workers.min")->level == LEVEL_PRESET && w->min * lanes > w->max)
		w->min = w->max / lanes;
	if (value_source(values, "workers.min_spare")->level == LEVEL_PRESET) {
		if (w->min_spare > w->max)
			w->min_spare = w->max;
		if (w->min_spare > w->max_spare)
			w->min_spare = w->max_spare;
	}
	if (value_source(values, "workers.max_spare")->level == LEVEL_PRESET && w->max_spare < w->min_spare)
		w->max_spare = w->min_spare;
}

static void check_workers(struct checker *checker, struct service_values *values)
{
	const struct config_workers *w = &values->service.workers;
	int64_t lanes = (int64_t)values->n_lanes;

	if (value_source(values, "workers.min")->bad || value_source(values, "workers.max")->bad ||
	    value_source(values, "workers.min_spare")->bad || value_source(values, "workers.max_spare")->bad)
		return;
	adapt_presets(values);
	if (w->min > w->max)
		checker_error(checker, values, checker_nearer(values, "workers.min", "workers.max"),
			      "workers.min is %" PRId64 ", more than workers.max, %" PRId64 "; raise max or lower min",
			      w->min, w->max);
	else if (lanes > 1 && w->min * lanes > w->max)
		checker_error(checker, values, checker_nearer(values, "workers.min", "workers.max"),
			      "workers.min is %" PRId64 " for each of %" PRId64 " addresses, %" PRId64
			      " together, more than workers.max, %" PRId64 "; raise max or lower min",
			      w->min, lanes, w->min * lanes, w->max);
	else if (lanes > w->max)
		checker_error(checker, values, value_source(values, "workers.max"),
			      "workers.max is %" PRId64 ", but there are %" PRId64
			      " addresses, and each needs a worker; raise it",
			      w->max, lanes);
	if (values->service.program.runs)
		return; /* their number is always workers.min */
	if (w->min_spare > w->max)
		checker_error(checker, values, checker_nearer(values, "workers.min_spare", "workers.max"),
			      "workers.min_spare is %" PRId64 ", more than workers.max, %" PRId64
			      "; raise max or lower min_spare",
			      w->min_spare, w->max);
	if (w->max_spare < w->min_spare)
		checker_error(checker, values, checker_nearer(values, "workers.max_spare", "workers.min_spare"),
			      "workers.max_spare is %" PRId64 ", less than workers.min_spare, %" PRId64
			      "; raise max_spare or lower min_spare",
			      w->max_spare, w->min_spare);
}

static bool has_kind(const struct service_values *values, enum addr_kind kind)
{
	size_t i;

	for (i = 0; i < values->service.n_listen; i++) {
		if (values->service.listen[i].kind == kind)
			return true;
	}
	return false;
}

static bool has_path(const struct service_values *values)
{
	size_t i;

	for (i = 0; i < values->service.n_listen; i++) {
		if (values->service.listen[i].kind == ADDR_UNIX && values->service.listen[i].host[0] == '/')
			return true;
	}
	return false;
}

/* Warns about keys that were written for this service, have another value than the default, and change nothing. */
static void check_useless(struct checker *checker, const struct service_values *values)
{
	const struct {
		const char *path;
		bool asked;
	} of_path[] = {
		{"socket.mode", values->service.socket.mode != MODE_PRESET},
		{"socket.owner", values->socket_owner != NULL},
		{"socket.group", values->socket_group != NULL},
	};
	const struct value_source *source;
	size_t i;

	if (values->service.n_listen == 0 || has_kind(values, ADDR_SYSTEMD))
		return;
	for (i = 0; i < sizeof(of_path) / sizeof(of_path[0]); i++) {
		source = value_source(values, of_path[i].path);
		if (of_path[i].asked && source->level == LEVEL_SERVICE && !has_path(values))
			checker_warning(checker, values, source, "changes nothing: no address is a unix:/PATH");
	}
	source = value_source(values, "socket.device");
	if (source->level == LEVEL_SERVICE && values->service.socket.device != NULL && !has_kind(values, ADDR_HOST) &&
	    !has_kind(values, ADDR_HOST6) && !has_kind(values, ADDR_ANY))
		checker_warning(checker, values, source, "changes nothing: all addresses are unix sockets");
}

static void check_idle(struct checker *checker, const struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct config_timeouts *t = &values->service.timeouts;

	if (handler == NULL || (handler->flags & PREFORKD_COMMAND) == 0 || !has_kind(values, ADDR_UNIX) ||
	    (t->idle == 0 && t->first_byte == 0))
		return;
	checker_warning(checker, values, value_source(values, "timeouts.idle"),
			"timeouts.idle and first_byte are not enforced for a program on a unix: "
			"address; timeouts.total is");
}

static bool has_datagrams(const struct service_values *values)
{
	for (size_t i = 0; i < values->service.n_listen; i++)
		if (values->service.listen[i].datagram)
			return true;
	return false;
}

/* A datagram costs its sender nothing, and its source may be forged: the rate is limited unless a rate was written. */
static void limit_datagrams(struct checker *checker, struct service_values *values)
{
	const struct value_source *own = value_source(values, "access.per_source_datagrams");
	struct config_access *access = &values->service.access;

	if (!has_datagrams(values) && !has_kind(values, ADDR_SYSTEMD)) {
		if (own->level == LEVEL_SERVICE && access->per_source_datagrams.n != DATAGRAMS_PRESET)
			checker_warning(checker, values, own, "changes nothing: no address is for datagrams");
		return;
	}
	if (own->level == LEVEL_PRESET && value_source(values, "access.per_source_rate")->level != LEVEL_PRESET)
		access->per_source_datagrams = access->per_source_rate;
}

/*
 * A program serves all datagrams of its socket. A second program at the same socket would receive some datagrams of
 * clients of the first one, so there is one program for each address.
 */
static void check_datagram_programs(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	struct config_workers *w = &values->service.workers;
	int64_t lanes = (int64_t)values->n_lanes;
	size_t i, datagrams = 0;

	for (i = 0; i < values->service.n_listen; i++)
		datagrams += values->service.listen[i].datagram;
	if (handler == NULL || (handler->flags & PREFORKD_COMMAND) == 0 || datagrams == 0 || lanes == 0)
		return;
	if (datagrams < values->service.n_listen)
		checker_error(checker, values, value_source(values, "listen"),
			      "a program serves either connections or datagrams: make it two services");
	if (w->max > lanes && value_source(values, "workers.max")->level == LEVEL_SERVICE)
		checker_warning(checker, values, value_source(values, "workers.max"),
				"one program takes all datagrams of an address: there will be %" PRId64
				" workers, one for each address",
				lanes);
	if (values->service.access.rules != NULL || values->service.access.only_allowed)
		checker_error(checker, values, checker_nearer(values, "access.allow", "access.deny"),
			      "a program receives the datagrams itself, so no client can be refused");
	if (values->service.access.n_times > 0 || values->service.access.max_load > 0)
		checker_error(checker, values, checker_nearer(values, "access.times", "access.max_load"),
			      "a program receives the datagrams itself, so no client can be refused");
	w->min = w->min_spare = w->max_spare = 1;
	w->max = lanes;
}

void check_service(struct checker *checker, struct service_values *values)
{
	program_check(checker, values);
	confine_check(checker, values);
	sandbox_check(checker, values);
	if (!values->service.program.runs)
		limit_datagrams(checker, values);
	check_workers(checker, values);
	check_useless(checker, values);
	if (values->service.program.runs)
		return; /* the program accepts its clients, so no rules about clients apply */
	check_datagram_programs(checker, values);
	check_idle(checker, values);
	access_check(checker, values);
}
