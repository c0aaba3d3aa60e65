/* SPDX-License-Identifier: MIT */
#include "config/lookup_module.h"

#include <preforkd/module.h>
#include <string.h>

#include "base/err.h"
#include "config/checker.h"
#include "config/loader.h"
#include "config/options.h"
#include "config/source.h"
#include "config/values.h"
#include "syntax/problems.h"
#include "syntax/raw.h"

/* Reports keys that only the handler "module" takes. */
static void refuse_keys(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct value_source *source = value_source(values, "path");

	if (values->path != NULL && source->level == LEVEL_SERVICE)
		checker_error(checker, values, source, "the handler \"%s\" takes no path", handler->name);
	/* A path in defaults is meant for other services. */
	values->path = NULL;
	if (values->n_option_raws > 0) {
		const struct raw *raw = values->option_raws[0];
		const struct value_source place = {.level = LEVEL_SERVICE, .origin = raw->origin, .key = raw->path};

		if (!raw->bad)
			checker_error(checker, values, &place, "the handler \"%s\" takes no options", handler->name);
	}
}

void lookup_module(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct value_source *source = value_source(values, "path");
	const struct module_loader *loader = checker->source->loader;
	struct loaded_module *module;
	struct err err;

	if (handler == NULL || source->bad)
		return;
	if ((handler->flags & PREFORKD_PATH) == 0) {
		refuse_keys(checker, values);
		return;
	}
	if (values->path == NULL) {
		checker_error(checker, values, source, "missing: the handler \"%s\" needs the file to load",
			      handler->name);
		return;
	}
	if (strchr(values->path, '/') != NULL && values->path[0] != '/') {
		checker_error(checker, values, source,
			      "\"%.256s\" must be a full path, or the name of an installed module", values->path);
		return;
	}
	if (checker->source->portable || loader == NULL)
		return;
	module = loader->open(values->path, 0, &err);
	if (module == NULL) {
		checker_error(checker, values, source, "module %s", err.text);
		return;
	}
	values->service.module = module;
	values->module_mark = module->mark;
	values->service.handler = &module->table;
	options_take(checker, values, &module->table);
}

bool lookup_module_begin(struct checker *checker, bool rehearse)
{
	struct config_store *store = checker->store;
	bool good = true;
	size_t i;

	for (i = 0; i < store->n_services; i++) {
		const struct service_values *values = &store->services[i];
		struct loaded_module *module = values->service.module;
		struct err err;

		if (module == NULL || !values->service.enabled ||
		    checker->source->loader->begin(module, &values->service, rehearse, &err) == 0)
			continue;
		checker_error(checker, values, value_source(values, "path"), "module %s", err.text);
		good = false;
	}
	return good;
}
