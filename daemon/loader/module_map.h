/* SPDX-License-Identifier: MIT */
/* Master. Maps the private copy of a module into this process, and checks its table. */
#ifndef PREFORKD_LOADER_MODULE_MAP_H
#define PREFORKD_LOADER_MODULE_MAP_H

struct err;
struct loaded_module;

/*
 * Maps the file behind module->fd, which runs its constructors, checks the module's table, and copies it into
 * module->table. 0; or -1 and *err: then the object may be mapped already, and module_map_unload() is still to be
 * called.
 */
int module_map_load(struct loaded_module *module, struct err *err);

/* Unmaps it, which runs its destructors. Does nothing if it is not mapped. */
void module_map_unload(struct loaded_module *module);

#endif
