/* SPDX-License-Identifier: MIT */
/* preforkctl. A command of the command line: its name, its arguments, and the function that runs it. The table of all
 * commands is in commands.c; this file depends on none of them. */
#ifndef PREFORKD_CTL_COMMAND_H
#define PREFORKD_CTL_COMMAND_H

#include <stdio.h>

struct options;

struct command {
	const char *name;			   /* NULL: the end of a table */
	const char *arguments;			   /* as the help writes them */
	int least, most;			   /* how many arguments */
	int (*run)(const struct options *options); /* returns the exit status of preforkctl */
	const char *help;
};

/* The command NAME of TABLE; NULL: TABLE has no command of that name. */
const struct command *command_find(const struct command *table, const char *name);

/* Prints a line of help for each command of TABLE. */
void command_print_all(const struct command *table, FILE *out);

#endif
