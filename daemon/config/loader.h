/* SPDX-License-Identifier: MIT */
/*
 * What the configuration knows of a shared object that `path` names: its table, once it is loaded. It does not
 * load one itself: it is handed those who can, as it is handed the table of the built-in handlers.
 */
#ifndef PREFORKD_CONFIG_LOADER_H
#define PREFORKD_CONFIG_LOADER_H

#include <preforkd/module.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_service;
struct err;

#define MODULE_KEPT_MOST 16

struct loaded_module {
	struct preforkd_module table;	    /* a copy, complete: what the file's own lacks is 0 */
	char *path;			    /* absolute */
	uint64_t mark;			    /* of what is in the file: another mark, another module */
	void *handle;			    /* dlopen's */
	int fd;				    /* the private copy that is mapped; close-on-exec */
	const struct config_service *begun; /* init() has been called in this process, for this one; NULL: it has not */
	int kept[MODULE_KEPT_MOST];	    /* descriptors of init() that workers get */
	size_t n_kept;
};

struct module_loader {
	/* Loads PATH, in a child first. NULL and *err. */
	struct loaded_module *(*open)(const char *path, struct err *err);
	/* Calls init() in a child, which ends, for the service that has MODULE; and unless REHEARSE, here as well. */
	int (*begin)(struct loaded_module *module, const struct config_service *service, bool rehearse,
		     struct err *err);
	/* Calls fini() if init() was called, and unloads it. NULL is allowed; *module becomes NULL. */
	void (*close)(struct loaded_module **module);
};

#endif
