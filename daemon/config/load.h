/* SPDX-License-Identifier: MIT */
/*
 * Any process. From files to a checked struct config. Loading binds and writes nothing. It resolves names, which may
 * block, and looks up users and programs.
 */
#ifndef PREFORKD_CONFIG_LOAD_H
#define PREFORKD_CONFIG_LOAD_H

#include <stdio.h>

#include "config/source.h"
#include "syntax/problems.h"

struct arena;
struct config;
struct preforkd_module;

/* Returns the configuration; NULL: there was an error. *problems_out has all errors and warnings, in the order of the
 * files; it is always set, and the caller frees it. Out of memory ends the process. */
struct config *config_load(const struct config_source *source, struct problems **problems_out);

/* The same with all memory from ARENA, that of *problems_out too, which is freed with it. */
struct config *config_load_into(const struct config_source *source, struct arena *arena,
				struct problems **problems_out);

/* Calls the init() of the modules of CONFIG, in this process. -1: a module failed, and *problems_out says why; or there
 * is no memory, and *problems_out is NULL. */
int config_begin_modules(struct config *config, const struct config_source *source, struct problems **problems_out);

/* --print-config: writes every key with its value, as a file that loads to the same configuration. */
void config_print(const struct config *config, FILE *out);

/* --help-config: explains the keys that begin with PATH (NULL: all keys). -1: there is no such key. */
int config_help(const char *path, const struct preforkd_module *const *handlers, FILE *out);

/* Explains the options of the modules of CONFIG that begin with PATH ("options" or NULL: all options;
 * "services.NAME.options.KEY"). Returns the number of options. */
int config_help_options(const struct config *config, const char *path, FILE *out);

#endif
