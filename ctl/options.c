/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/parse.h"
#include "command.h"
#include "say.h"

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000

enum { OPT_JSON = 256, OPT_NO_COLOR, OPT_NOW, OPT_QUIET };

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, OPT_JSON},
	{"no-color", no_argument, NULL, OPT_NO_COLOR},
	{"now", no_argument, NULL, OPT_NOW},
	{"delay", required_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void print_help(const struct command *commands)
{
	(void)fputs("Usage: preforkctl [OPTION]... COMMAND [ARGUMENT]...\n"
		    "Asks a running preforkd how it is, and directs it.\n"
		    "\n",
		    stdout);
	command_print_all(commands, stdout);
	(void)printf("\n"
		     "  -s, --socket=SOCKET  the daemon's control socket\n"
		     "                       (%s)\n"
		     "      --json           print JSON\n"
		     "      --no-color       no colours, not even on a terminal\n"
		     "      --now            stop: do not wait for clients\n"
		     "      --quiet          reload: do not print the verdict, which is in the daemon's log\n"
		     "  -d, --delay=SECONDS  top: the time from one look to the next (1)\n"
		     "  -h, --help\n"
		     "  -V, --version\n"
		     "\n"
		     "Exit status: 0 done, 1 what was asked for failed, 64 usage, 69 cannot reach "
		     "the daemon,\n"
		     "71 system error, 77 not permitted.\n",
		     DEFAULT_CONTROL);
}

static int print_usage(void)
{
	(void)fprintf(stderr, "Usage: preforkctl [OPTION]... COMMAND [ARGUMENT]... (--help says more)\n");
	return -1;
}

__attribute__((format(printf, 1, 2))) static int refuse_usage(const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	(void)say_failure(&err, EX_USAGE);
	return -1;
}

static int parse_interval(const char *text, int64_t *out)
{
	struct err err;

	if (parse_duration(text, out, &err) < 0) {
		(void)say_failure(&err, EX_USAGE);
		return -1;
	}
	if (*out < INTERVAL_MIN_MS || *out > INTERVAL_MAX_MS)
		return refuse_usage("\"%.64s\": from 100ms to 1h", text);
	return 0;
}

/* 0: taken; 1: the option is answered already (--help, --version); -1: the option is wrong, and that is printed. */
static int take_option(int option, const struct command *commands, struct options *options)
{
	switch (option) {
	case 's':
		options->socket = optarg;
		return 0;
	case OPT_JSON:
		options->json = true;
		return 0;
	case OPT_NO_COLOR:
		options->no_color = true;
		return 0;
	case OPT_NOW:
		options->now = true;
		return 0;
	case OPT_QUIET:
		options->quiet = true;
		return 0;
	case 'd':
		return parse_interval(optarg, &options->interval_ms);
	case 'h':
		print_help(commands);
		return 1;
	case 'V':
		(void)puts("preforkctl " PACKAGE_VERSION);
		return 1;
	}
	return print_usage(); /* getopt_long() has printed what is wrong */
}

/* Returns -1, and prints why, if the command does not take these options or so many arguments. */
static int check_usage(const char *name, const struct options *options)
{
	const struct command *command = options->command;

	if (command == NULL)
		return refuse_usage("there is no command \"%.64s\" (--help lists them)", name);
	if (options->n_arguments < command->least || options->n_arguments > command->most)
		return refuse_usage("usage: preforkctl %s%s%s", command->name, command->arguments[0] != '\0' ? " " : "",
				    command->arguments);
	if (options->now && strcmp(command->name, "stop") != 0)
		return refuse_usage("--now goes with stop");
	if (options->quiet && (options->json || strcmp(command->name, "reload") != 0))
		return refuse_usage("--quiet goes with reload, without --json");
	if (options->interval_ms != 0 && strcmp(command->name, "top") != 0)
		return refuse_usage("-d goes with top");
	if (options->json && strcmp(command->name, "top") == 0)
		return refuse_usage("top prints no JSON; status does");
	return 0;
}

int options_parse(int argc, char **argv, const struct command *commands, struct options *options, int *status_out)
{
	int option;

	*options = (struct options){.socket = DEFAULT_CONTROL};
	*status_out = EX_USAGE;
	optind = 1;
	while ((option = getopt_long(argc, argv, "s:d:hV", long_options, NULL)) != -1) {
		int rc = take_option(option, commands, options);

		if (rc > 0)
			*status_out = say_end(0);
		if (rc != 0)
			return -1;
	}
	if (optind == argc)
		return print_usage();
	options->command = command_find(commands, argv[optind]);
	options->arguments = argv + optind + 1;
	options->n_arguments = argc - optind - 1;
	return check_usage(argv[optind], options);
}
