/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/build.h"
#include "config/check.h"
#include "config/checker.h"
#include "config/config.h"
#include "config/conflict_check.h"
#include "config/control_check.h"
#include "config/loader.h"
#include "config/lookup.h"
#include "config/lookup_module.h"
#include "config/values.h"
#include "syntax/folder.h"
#include "syntax/problems.h"
#include "syntax/raw.h"
#include "syntax/read.h"

static char *make_absolute(struct arena *arena, const char *file)
{
	char *folder, *path;

	folder = file[0] != '/' ? getcwd(NULL, 0) : NULL;
	path = folder != NULL ? arena_printf(arena, "%s/%s", folder, file) : arena_strdup(arena, file);
	free(folder);
	return path;
}

static struct config *new_config(const struct config_source *source, struct arena *arena)
{
	struct config *config = arena_alloc(arena, sizeof(*config));

	config->store = arena_alloc(arena, sizeof(*config->store));
	config->store->arena = arena;
	config->store->region.fd = -1;
	config->store->loader = source->loader;
	config->file = make_absolute(arena, source->file);
	return config;
}

void config_free(struct config **config)
{
	const struct config_store *store;
	struct region region;
	struct arena *arena;

	if (*config == NULL)
		return;
	store = (*config)->store;
	for (size_t i = 0; i < store->n_services && store->loader != NULL; i++) {
		struct loaded_module *module = store->services[i].service.module;

		store->loader->close(&module);
	}
	arena = store->arena;
	region = store->region;
	arena_free(&arena);
	region_free(&region);
	*config = NULL;
}

/* Reads all files and all -o; false: some of them could not be read. */
static bool read_raws(const struct config_source *source, struct arena *arena, struct problems *problems,
		      struct raws *raws)
{
	/* Programs run as root because of this file, so no other user may be able to change it. */
	bool as_root = geteuid() == 0 && (source->starter == NULL || source->starter->uid == 0);
	bool complete = folder_read(source->file, as_root && !source->portable, arena, problems, raws) == 0;
	size_t i;

	for (i = 0; i < source->n_overrides; i++) {
		if (read_override(source->overrides[i], arena, problems, raws) < 0)
			complete = false;
	}
	return complete;
}

static void check_all(struct checker *checker)
{
	struct config_store *store = checker->store;
	const struct origin main_file = {.file = checker->source->file};
	char folder[PATH_MAX];
	size_t i;

	/* The disabled ones stand behind the others. A service that was dropped because of its name or form was
	 * reported already. */
	folder_beside(checker->source->file, folder, sizeof(folder));
	if (store->n_services == 0 && !problems_have_error(checker->problems))
		problems_add(checker->problems, LOG_ERR, &main_file, "services",
			     "there is no service, here or in %.256s", folder);
	else if (store->n_services > 0 && !store->services[0].service.enabled &&
		 !problems_have_error(checker->problems))
		problems_add(checker->problems, LOG_ERR, &main_file, "services",
			     "all services are disabled (enabled = false)");
	for (i = 0; i < store->n_services; i++)
		lookup_service(checker, &store->services[i]);
	conflict_check(checker);
	control_check(checker);
	for (i = 0; i < store->n_services; i++)
		check_service(checker, &store->services[i]);
}

/* Fills struct config from the store. */
static void publish_config(struct config *config)
{
	struct config_store *store = config->store;
	size_t i;

	config->log = store->main.log;
	config->control = store->main.control;
	config->services = arena_alloc(store->arena, store->n_services * sizeof(*config->services));
	for (i = 0; i < store->n_services; i++) {
		config->services[i] = store->services[i].service;
		if (config->services[i].enabled)
			config->n_services++;
		else
			config->n_disabled++;
	}
}

static struct config *load_config(const struct config_source *source, struct arena *arena, struct problems *problems)
{
	struct config *config = new_config(source, arena);
	struct raws raws = {.list = NULL};
	struct checker checker = {
		.source = source,
		.store = config->store,
		.problems = problems,
		.root = (source->starter != NULL ? source->starter->uid : geteuid()) == 0,
	};
	bool complete;

	complete = read_raws(source, config->store->arena, problems, &raws);
	build_store(&raws, problems, config->store);
	raw_clear(&raws);
	/* If a file could not be read, the checks would mostly report values as missing that are in that file. */
	if (complete)
		check_all(&checker);
	if (source->modules != MODULES_LOOK && !problems_have_error(problems))
		(void)lookup_module_begin(&checker, source->modules == MODULES_REHEARSE);
	problems_sort(problems);
	if (problems_have_error(problems))
		config_free(&config);
	else
		publish_config(config);
	return config;
}

struct config *config_load(const struct config_source *source, struct problems **problems_out)
{
	*problems_out = problems_new();
	return load_config(source, arena_new(), *problems_out);
}

struct config *config_load_into(const struct config_source *source, struct arena *arena, struct problems **problems_out)
{
	*problems_out = problems_in(arena);
	return load_config(source, arena, *problems_out);
}

int config_begin_modules(struct config *config, const struct config_source *source, struct problems **problems_out)
{
	struct checker checker = {
		.source = source, .store = config->store, .problems = problems_try_new(), .root = geteuid() == 0};

	*problems_out = checker.problems;
	if (checker.problems == NULL)
		return -1;
	return lookup_module_begin(&checker, false) ? 0 : -1;
}
