/* SPDX-License-Identifier: MIT */
/* The table of commands. */
#ifndef PREFORKD_CTL_COMMANDS_H
#define PREFORKD_CTL_COMMANDS_H

#include <stdio.h>

struct options;

struct command {
	const char *name;
	const char *arguments;			   /* as the help writes them */
	int least, most;			   /* how many arguments */
	int (*run)(const struct options *options); /* returns the exit status */
	const char *help;
};

/* NULL: there is none of that name. */
const struct command *commands_find(const char *name);

/* A line for each. */
void commands_print(FILE *out);

#endif
