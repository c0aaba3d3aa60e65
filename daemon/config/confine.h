/* SPDX-License-Identifier: MIT */
/* Any process. The groups of a service that say what its processes may use and do: a part of config.h. */
#ifndef PREFORKD_CONFIG_CONFINE_H
#define PREFORKD_CONFIG_CONFINE_H

#include <stdbool.h>

struct config_sandbox {
	bool no_new_privileges; /* programs get no rights from set-user-ID files and the like */
};

#endif
