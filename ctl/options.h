/* SPDX-License-Identifier: MIT */
/* preforkctl. Its command line: options, a command, and how many arguments the command takes. */
#ifndef PREFORKD_CTL_OPTIONS_H
#define PREFORKD_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct command;

struct options {
	const char *socket;
	bool json;
	bool no_color;
	bool now;	     /* --now, for the command stop */
	bool quiet;	     /* --quiet, for the command reload */
	int64_t interval_ms; /* --delay, for the command top; 0: not given */
	const struct command *command;
	char *const *arguments; /* of the command; into argv */
	int n_arguments;
};

/* COMMANDS ends with an entry without a name. 0: options->command is to be run. -1: the help, the version or an error
 * is printed, and preforkctl must exit with *status_out. */
int options_parse(int argc, char **argv, const struct command *commands, struct options *options, int *status_out);

#endif
