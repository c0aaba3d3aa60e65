/* SPDX-License-Identifier: MIT */
/* The command line of preforkctl. */
#ifndef PREFORKD_CTL_OPTIONS_H
#define PREFORKD_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct command;

struct options {
	const char *socket;
	bool json;
	bool no_color;
	bool now;	     /* of `stop' */
	int64_t interval_ms; /* of `top'; 0: not given */
	const struct command *command;
	char *const *arguments; /* of the command, as many as it takes */
	int n_arguments;
};

/* 0: there is a command to run. -1: all is said, *status_out is the exit status. */
int options_parse(int argc, char **argv, struct options *options, int *status_out);

#endif
