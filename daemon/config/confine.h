/* SPDX-License-Identifier: MIT */
/* Any process. The groups of a service that say what its processes may use and do: a part of config.h. */
#ifndef PREFORKD_CONFIG_CONFINE_H
#define PREFORKD_CONFIG_CONFINE_H

#include <stdbool.h>

enum config_sandbox_level { SANDBOX_OFF, SANDBOX_DEFAULT, SANDBOX_STRICT };

struct config_sandbox {
	int level;		/* enum config_sandbox_level: which system calls are forbidden */
	bool required;		/* a wall that cannot be had is an error (sandbox/walls.h) */
	bool no_new_privileges; /* programs get no rights from set-user-ID files and the like */
};

#endif
