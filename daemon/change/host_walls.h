/* SPDX-License-Identifier: MIT */
/* Master, and --check=host. Tells which walls of the sandboxes (sandbox/walls.h) this host cannot build. */
#ifndef PREFORKD_CHANGE_HOST_WALLS_H
#define PREFORKD_CHANGE_HOST_WALLS_H

struct config;
struct problems;

/* Adds a warning for each wall that is lacking; one for all services whose value is not their own. Services with
 * sandbox.required are left out: they are not opened without their walls, and that is told then. */
void host_walls_warn(const struct config *config, struct problems *problems);

/* The same, and an error for each service with sandbox.required. */
void host_walls_judge(const struct config *config, struct problems *problems);

#endif
