/* SPDX-License-Identifier: MIT */
/*
 * From files to a checked struct config. Nothing is bound and nothing is written; names are
 * resolved (which may block), users and programs are looked up.
 */
#ifndef PREFORKD_CONFIG_LOAD_H
#define PREFORKD_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "syntax/problems.h"

struct config;
struct module_loader;
struct preforkd_module;

/* How far one goes with the modules of a configuration. */
enum config_modules {
	MODULES_LOOK,	  /* loaded, and their options checked */
	MODULES_REHEARSE, /* their init() is called too, in a child */
	MODULES_USE,	  /* and here */
};

struct config_source {
	const char *file;	      /* the main file; FILE's folder + "/conf.d" holds the others */
	const char *const *overrides; /* "PATH=VALUE" of -o, applied last, in order */
	size_t n_overrides;
	const struct preforkd_module *const *handlers; /* NULL-terminated: what `handler` may name */
	const struct module_loader *loader;	       /* of what `path` names; NULL: nothing is loaded */
	enum config_modules modules;
	/* For another host than this one: no name of a user, a group, a host or an interface is
	 * looked up, and no program is looked for. The result is good for being looked at only. */
	bool portable;
};

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
