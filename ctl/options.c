/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/parse.h"
#include "commands.h"
#include "say.h"

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000

enum { OPT_JSON = 256, OPT_NO_COLOR, OPT_NOW };

static const struct option known[] = {
	{"socket", required_argument, NULL, 's'},      {"json", no_argument, NULL, OPT_JSON},
	{"no-color", no_argument, NULL, OPT_NO_COLOR}, {"now", no_argument, NULL, OPT_NOW},
	{"delay", required_argument, NULL, 'd'},       {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},	       {NULL, 0, NULL, 0},
};

static void print_help(void)
{
	(void)fputs("Usage: preforkctl [OPTION]... COMMAND [ARGUMENT]...\n"
		    "Asks a running preforkd how it is, and directs it.\n"
		    "\n",
		    stdout);
	commands_print(stdout);
	(void)printf("\n"
		     "  -s, --socket=SOCKET  the daemon's control socket\n"
		     "                       (%s)\n"
		     "      --json           print JSON\n"
		     "      --no-color       no colours, not even on a terminal\n"
		     "      --now            stop: do not wait for clients\n"
		     "  -d, --delay=SECONDS  top: the time from one look to the next (1)\n"
		     "  -h, --help\n"
		     "  -V, --version\n"
		     "\n"
		     "Exit status: 0 done, 1 what was asked for failed, 64 usage, 69 cannot reach "
		     "the daemon,\n"
		     "71 system error, 77 not permitted.\n",
		     DEFAULT_CONTROL);
}

static int usage(void)
{
	(void)fprintf(stderr, "Usage: preforkctl [OPTION]... COMMAND [ARGUMENT]... (--help says more)\n");
	return -1;
}

__attribute__((format(printf, 1, 2))) static int wrong(const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	(void)say_failure(&err, EX_USAGE);
	return -1;
}

static int take_interval(const char *text, int64_t *out)
{
	struct err err;

	if (parse_duration(text, out, &err) < 0) {
		(void)say_failure(&err, EX_USAGE);
		return -1;
	}
	if (*out < INTERVAL_MIN_MS || *out > INTERVAL_MAX_MS)
		return wrong("\"%.64s\": from 100ms to 1h", text);
	return 0;
}

/* 0, 1 for an option that is answered at once, -1 for one that is wrong. */
static int take_option(int option, struct options *options)
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
	case 'd':
		return take_interval(optarg, &options->interval_ms);
	case 'h':
		print_help();
		return 1;
	case 'V':
		(void)puts("preforkctl " PACKAGE_VERSION);
		return 1;
	}
	return usage(); /* getopt has complained */
}

/* Do the options and the number of arguments go with the command? */
static int check(const char *name, const struct options *options)
{
	const struct command *command = options->command;

	if (command == NULL)
		return wrong("there is no command \"%.64s\" (--help lists them)", name);
	if (options->n_arguments < command->least || options->n_arguments > command->most)
		return wrong("usage: preforkctl %s%s%s", command->name, command->arguments[0] != '\0' ? " " : "",
			     command->arguments);
	if (options->now && strcmp(command->name, "stop") != 0)
		return wrong("--now goes with stop");
	if (options->interval_ms != 0 && strcmp(command->name, "top") != 0)
		return wrong("-d goes with top");
	if (options->json && strcmp(command->name, "top") == 0)
		return wrong("top prints no JSON; status does");
	return 0;
}

int options_parse(int argc, char **argv, struct options *options, int *status_out)
{
	int option;

	*options = (struct options){.socket = DEFAULT_CONTROL};
	*status_out = EX_USAGE;
	optind = 1;
	while ((option = getopt_long(argc, argv, "s:d:hV", known, NULL)) != -1) {
		int rc = take_option(option, options);

		if (rc > 0)
			*status_out = say_end(0);
		if (rc != 0)
			return -1;
	}
	if (optind == argc)
		return usage();
	options->command = commands_find(argv[optind]);
	options->arguments = argv + optind + 1;
	options->n_arguments = argc - optind - 1;
	return check(argv[optind], options);
}
