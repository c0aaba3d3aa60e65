/* SPDX-License-Identifier: MIT */
/*
 * Master. The handler "module": a service whose code is in a shared object. This file copies the object into a sealed
 * memfd, loads it in a trial child, then here, and calls its init() and fini(). The steps have files of their own:
 * module_file.c opens the file, module_map.c maps it, module_trial.c runs the child, module_traces.c compares the
 * process before and after. The calls of a running module are in services/self.c.
 */
#ifndef PREFORKD_LOADER_MODULE_H
#define PREFORKD_LOADER_MODULE_H

#include "config/loader.h"

/* Owns nothing between two calls; every loaded_module that open() returns is the caller's until close(). open() and
 * begin() block, for as long as a trial may take (module_trial.h). */
extern const struct module_loader module_loader;

#endif
