/* SPDX-License-Identifier: MIT */
/*
 * Any process. The interface through which the configuration has modules loaded, and what it knows of a loaded one. The
 * implementation is in daemon/loader, which stands above this room: main.c passes it in struct config_source, as it
 * passes the table of built-in handlers.
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
	struct preforkd_module table; /* a copy; members that the module's own table lacks are 0 */
	char *path;		      /* absolute */
	uint64_t mark;		      /* of the contents of the file: it differs if the contents do */
	bool is_tried;		      /* a child has done all this, and init(), with these contents */
	void *handle;		      /* of dlopen(3) */
	int fd;			      /* the private copy that is mapped; close-on-exec */
	const struct config_service
		*begun;		    /* the service that init() was called for in this process; NULL: it was not */
	int kept[MODULE_KEPT_MOST]; /* descriptors that init() opened, and that workers keep */
	size_t n_kept;
};

struct module_loader {
	/* Loads PATH, first in a child, to see whether that fails; this may block. TRIED (0: none) is the mark of the
	 * contents that a child has loaded, and whose init() it has called, without any trouble: then the file must
	 * still have them, and no child is needed. NULL and *err. */
	struct loaded_module *(*open)(const char *path, uint64_t tried, struct err *err);
	/* Calls init() for SERVICE, which has MODULE, in a child that ends, unless one has tried it before; then,
	 * unless REHEARSE, in this process. -1 and *err. */
	int (*begin)(struct loaded_module *module, const struct config_service *service, bool rehearse,
		     struct err *err);
	/* Calls fini() if init() was called here, and unloads the module. NULL is allowed; *module becomes NULL. */
	void (*close)(struct loaded_module **module);
};

#endif
