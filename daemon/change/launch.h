/* SPDX-License-Identifier: MIT */
/* How this process was started, as far as it must be done again: at a reload, and when a new binary takes over. */
#ifndef PREFORKD_CHANGE_LAUNCH_H
#define PREFORKD_CHANGE_LAUNCH_H

#include <stdbool.h>

#include "config/load.h"

struct config;

struct launch {
	struct config_source source; /* with an absolute path */
	int log_target;		     /* enum log_target of the command line; -1: as configured */
	bool verbose;
	bool foreground;
	const char *binary;	  /* absolute */
	char **argv;		  /* of a start that comes to the same, in the foreground; NULL-terminated */
	void (*when_ready)(void); /* may be NULL; called once all workers of the start wait for clients */
};

/* The absolute path of the program that argv[0] named, found again when a package has replaced the file: a link in
 * it is kept, for it may be what changes. NULL: no memory. malloc()ed. */
char *launch_binary(const char *argv0);

/* Makes the log what CONFIG and the command line say. */
void launch_log(const struct launch *launch, const struct config *config);

#endif
