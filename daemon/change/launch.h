/* SPDX-License-Identifier: MIT */
/* Master. How this process was started: a reload and an upgrade need that again. */
#ifndef PREFORKD_CHANGE_LAUNCH_H
#define PREFORKD_CHANGE_LAUNCH_H

#include <stdbool.h>

#include "config/load.h"

struct config;

struct launch {
	struct config_source source; /* `file` is absolute */
	int log_target;		     /* enum log_target of the command line; -1: as configured */
	bool verbose;
	bool foreground;
	const char *binary;	  /* launch_binary() */
	char **argv;		  /* of an equal start in the foreground, for an upgrade; NULL-terminated */
	void (*when_ready)(void); /* called when all workers of the start are ready; may be NULL */
};

/* Returns the absolute path of this program as ARGV0 names it, with its symbolic links, because a package may replace
 * either the file or a link. To be freed. NULL: no memory. */
char *launch_binary(const char *argv0);

/* Opens the log as CONFIG and the command line say. */
void launch_log(const struct launch *launch, const struct config *config);

#endif
