/* SPDX-License-Identifier: MIT */
/*
 * From files to a checked struct config. Nothing is bound and nothing is written; names are
 * resolved (which may block), users and programs are looked up.
 */
#ifndef PREFORKD_CONFIG_LOAD_H
#define PREFORKD_CONFIG_LOAD_H

#include <stdio.h>

#include "config/source.h"
#include "syntax/problems.h"

struct config;
struct preforkd_module;

/* Returns the configuration, or NULL if there was any error. Warnings alone do not fail.
 * *problems_out is always set; the caller frees it. Out of memory ends the process. */
struct config *config_load(const struct config_source *source, struct problems **problems_out);

/* What MODULES_USE would have done. -1: a module refused, and *problems_out says why. */
int config_begin_modules(struct config *config, const struct config_source *source, struct problems **problems_out);

/* --print-config: every key with its value, as a file that loads to the same configuration and
 * prints the same again. --help-config: the table for people; PATH (may be NULL) picks keys by prefix;
 * returns -1 if PATH names none. */
void config_print(const struct config *config, FILE *out);
/* The options of the modules of CONFIG, of those that PATH (NULL: all) names: "options", "services.NAME.options.KEY".
 * The number of them. */
int config_help_options(const struct config *config, const char *path, FILE *out);
int config_help(const char *path, const struct preforkd_module *const *handlers, FILE *out);

#endif
