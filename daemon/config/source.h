/* SPDX-License-Identifier: MIT */
/* Any process. What is to be loaded as a configuration, and with whose help. */
#ifndef PREFORKD_CONFIG_SOURCE_H
#define PREFORKD_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct identity;
struct module_loader;
struct preforkd_module;

/* How far loading goes with the modules of a configuration. */
enum config_modules {
	MODULES_LOOK,	  /* modules are loaded, and their options checked */
	MODULES_REHEARSE, /* their init() is called too, in a child */
};

struct config_source {
	const char *file;	      /* the main file; folder_beside() holds the others */
	const char *const *overrides; /* "PATH=VALUE" of -o, applied last, in order */
	size_t n_overrides;
	const struct preforkd_module *const *handlers; /* NULL-terminated: the values that `handler` may have */
	const struct module_loader *loader;	       /* loads what `path` names; NULL: no module is loaded */
	enum config_modules modules;
	/* The configuration is for another host: users, groups, hosts and interfaces are not looked up, and programs
	 * are not looked for. The result may be looked at, but no service can be started with it. */
	bool portable;
	const struct identity *starter; /* who will start the daemon; NULL: this process does */
};

#endif
