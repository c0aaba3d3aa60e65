/* SPDX-License-Identifier: MIT */
#include "config/given.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"
#include "config/load.h"
#include "config/loader.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"

#define BEGIN sizeof(max_align_t) /* of the arena, behind the struct given */

_Static_assert(sizeof(struct given) <= BEGIN, "the struct given lies in front of the arena");

/* ---- the child ---- */

/* The entry of the table of handlers that stands for a module. */
static const struct preforkd_module *find_handler(const struct config_source *source, const char *name)
{
	size_t i = 0;

	while (strcmp(source->handlers[i]->name, name) != 0) /* it was found before */
		i++;
	return source->handlers[i];
}

/* Leaves nothing of the modules that this process has loaded. Their options stay: they are in the arena. */
static void forget_modules(struct config *config, const struct config_source *source)
{
	for (size_t i = 0; i < config->store->n_services; i++) {
		struct service_values *values = &config->store->services[i];

		if (values->service.module == NULL)
			continue;
		values->service.module = NULL;
		values->service.handler = find_handler(source, values->handler);
		if (i < config->n_services)
			config->services[i] = values->service;
	}
}

int given_fill(const struct config_source *source, const struct region *region, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	struct given *given = region->at;
	struct arena *arena;

	if (region_map(region, err) < 0)
		return -1;
	arena = arena_lay((char *)region->at + BEGIN, region->size - BEGIN);
	given->config = config_load_into(source, arena, &given->problems);
	size = (BEGIN + arena_used(arena) + page - 1) / page * page;
	if (given->config != NULL) {
		forget_modules(given->config, source);
		given->config->store->region = (struct region){.at = region->at, .size = size, .fd = -1};
	}
	return region_give(region, size, err);
}

/* ---- the master ---- */

static bool is_inside(const struct region *region, const void *pointer, size_t size)
{
	uintptr_t begin = (uintptr_t)region->at, at = (uintptr_t)pointer;

	return at >= begin && at - begin < region->size && region->size - (at - begin) >= size;
}

static bool makes_sense(const struct region *region)
{
	const struct given *given = region->at;
	const struct config *config = given->config;

	if (!is_inside(region, given->problems, 1) || config == NULL)
		return is_inside(region, given->problems, 1);
	return is_inside(region, config, sizeof(*config)) && is_inside(region, config->store, sizeof(*config->store)) &&
	       config->store->region.at == region->at && config->store->region.size == region->size;
}

/*
 * The master believes what the child has written. The child runs this program as the same user, and reads what an
 * administrator wrote; whoever gets control of it by a fault in libconfig may as well trace the master. The checks here
 * find a child that ended in the middle, and no more.
 */
const struct given *given_take(struct region *region, struct err *err)
{
	if (region_take(region, err) < 0)
		return NULL;
	if (makes_sense(region))
		return region->at;
	region_free(region);
	(void)err_set(err, "the configuration that a child has read makes no sense");
	return NULL;
}

static int load_module(struct config *config, size_t i, struct err *err)
{
	struct service_values *values = &config->store->services[i];
	const struct module_loader *loader = config->store->loader;
	struct loaded_module *module;

	if (values->module_mark == 0)
		return 0;
	module = loader->open(values->path, values->module_mark, err);
	if (module == NULL)
		return -1;
	/* The same contents have the same options as in the child. */
	values->service.module = module;
	values->service.handler = &module->table;
	config->services[i] = values->service;
	return loader->begin(module, &config->services[i], false, err);
}

static void add_place(const struct service_values *values, const char *why, struct err *err)
{
	const struct value_source *source = value_source(values, "path");

	if (source->origin.file != NULL)
		(void)err_set(err, "%.200s:%d: %s: module %s", source->origin.file, source->origin.line, source->key,
			      why);
	else
		(void)err_set(err, "%s: module %s", source->key, why);
}

static bool has_modules(const struct config *config)
{
	for (size_t i = 0; i < config->n_services; i++)
		if (config->store->services[i].module_mark != 0)
			return true;
	return false;
}

int given_load_modules(struct config *config, struct err *err)
{
	const struct region *region = &config->store->region;
	struct err why;

	if (!has_modules(config))
		return 0;
	if (region_allow_writing(region, true, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_services; i++) {
		if (load_module(config, i, &why) == 0)
			continue;
		add_place(&config->store->services[i], why.text, err);
		return -1;
	}
	return region_allow_writing(region, false, err);
}
