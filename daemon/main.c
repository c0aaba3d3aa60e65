/* SPDX-License-Identifier: MIT */
/* The command line of preforkd; nothing else. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/dumpable.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/title.h"
#include "change/config_trial.h"
#include "change/host_check.h"
#include "change/launch.h"
#include "change/unit_dropin.h"
#include "config/config.h"
#include "config/load.h"
#include "config/upstream_names.h"
#include "loader/module.h"
#include "master/background.h"
#include "master/master.h"
#include "net/inherited.h"
#include "services/kinds.h"
#include "upgrade/handover_env.h"
#include "upgrade/rehearsal.h"
#include "upgrade/retry.h"

enum check { CHECK_NOT, CHECK_HERE, CHECK_HOST, CHECK_PORTABLE };

struct options {
	char *file;
	char **overrides;
	size_t n_overrides;
	enum check check;
	bool print, unit_dropin, daemon, verbose;
	bool asked_file; /* -c was said */
	int target;	 /* enum log_target; -1: as configured */
	char *binary;	 /* absolute */
	char **again;	 /* same_again() */
};

#define CONFIG_RETRY_MS 500

enum { OPTION_HELP_CONFIG = 256, OPTION_UNIT_DROPIN };

static const char usage_text[] =
	"Usage: preforkd [-c FILE] [-o PATH=VALUE]... [-t | -T | -d] [-l TARGET] [-v]\n"
	"A pre-forking daemon for TCP, UDP and unix sockets: binds what the configuration says and serves it with a "
	"pool of workers.\n"
	"\n"
	"  -c, --config FILE        the configuration (default " DEFAULT_CONFIG ");\n"
	"                           conf.d/*.conf beside preforkd.conf, and NAME.d/*.conf\n"
	"                           beside another NAME.conf, are read, too\n"
	"  -o, --set PATH=VALUE     overrides one key, e.g. services.echo.backlog=64\n"
	"  -t, --check[=HOW]        checks the configuration and exits; =host: as its systemd unit\n"
	"                           would judge it on this host; =portable: for another host: users,\n"
	"                           programs and names of this host are not looked up\n"
	"  -T, --print-config       checks the configuration, prints all of it, and exits\n"
	"      --unit-dropin        prints the drop-in that the systemd unit needs for the configuration\n"
	"      --help-config[=PATH] explains the keys of the configuration and exits\n"
	"  -d, --daemon             goes into the background once it is ready\n"
	"  -l, --log TARGET         auto, syslog, journal or stderr\n"
	"  -v, --verbose            logs everything (level debug)\n"
	"  -V, --version            prints the version and exits\n"
	"  -h, --help               prints this and exits\n"
	"\n"
	"Exit status: 0 done, 64 usage, 71 system error, 78 configuration.\n";

_Noreturn static void die_usage(const char *text, const char *what)
{
	(void)fprintf(stderr, "preforkd: %s%s; try --help\n", text, what);
	exit(EX_USAGE);
}

static char **command_line; /* for retry_start() */

_Noreturn static void die_no_memory(void)
{
	(void)fputs("preforkd: no memory\n", stderr);
	retry_start(command_line);
	exit(EX_OSERR);
}

static char *copy(const char *text)
{
	char *out = strdup(text);

	if (out == NULL)
		die_no_memory();
	return out;
}

/* For output that a full disk or a closed pipe must not lose silently. */
_Noreturn static void finish_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "preforkd: cannot write: %s\n", strerror(errno));
		status = EX_OSERR;
	}
	exit(status);
}

/* NULL: -t, or --check alone. */
static enum check check_by_name(const char *how)
{
	if (how == NULL)
		return CHECK_HERE;
	if (strcmp(how, "portable") == 0)
		return CHECK_PORTABLE;
	if (strcmp(how, "host") == 0)
		return CHECK_HOST;
	die_usage("--check wants host or portable, not ", how);
}

static struct config *try_load(const struct options *o, int *status_out);

/* The options of a module are known only with the file that names it. */
_Noreturn static void help_config(const struct options *o, const char *path)
{
	bool options = path != NULL && strstr(path, "options") != NULL;
	struct options look = *o;
	struct config *config = NULL;
	int status, found = 0;

	look.check = CHECK_HERE;
	if (o->asked_file && (path == NULL || options))
		config = try_load(&look, &status);
	if (!options || config == NULL)
		found = config_help(path, service_kinds, stdout) == 0;
	if (config != NULL)
		found += config_help_options(config, path, stdout);
	config_free(&config);
	if (found == 0)
		die_usage("no such key: ", path);
	finish_output(EX_OK);
}

/* Everything is copied: the process's title will be written where argv is now. */
static void parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"set", required_argument, NULL, 'o'},
		{"check", optional_argument, NULL, 't'},
		{"print-config", no_argument, NULL, 'T'},
		{"help-config", optional_argument, NULL, OPTION_HELP_CONFIG},
		{"unit-dropin", no_argument, NULL, OPTION_UNIT_DROPIN},
		{"daemon", no_argument, NULL, 'd'},
		{"log", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:o:tTdl:vVh", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			free(o->file);
			o->file = copy(optarg);
			o->asked_file = true;
			break;
		case 'o':
			if (strchr(optarg, '=') == NULL || optarg[0] == '=')
				die_usage("-o wants PATH=VALUE, not ", optarg);
			o->overrides[o->n_overrides++] = copy(optarg);
			break;
		case 't':
			o->check = check_by_name(optarg);
			break;
		case 'T':
			o->print = true;
			break;
		case OPTION_UNIT_DROPIN:
			o->unit_dropin = true;
			break;
		case 'd':
			o->daemon = true;
			break;
		case 'l':
			o->target = log_target_by_name(optarg);
			if (o->target < 0)
				die_usage("-l wants auto, syslog, journal or stderr, not ", optarg);
			break;
		case 'v':
			o->verbose = true;
			break;
		case OPTION_HELP_CONFIG:
			if (optarg == NULL && optind < argc && argv[optind][0] != '-')
				optarg = argv[optind++];
			help_config(o, optarg);
		case 'V':
			(void)puts("preforkd " PACKAGE_VERSION);
			finish_output(EX_OK);
		case 'h':
			(void)fputs(usage_text, stdout);
			finish_output(EX_OK);
		default: /* getopt_long has said why */
			exit(EX_USAGE);
		}
	}
	if (optind < argc)
		die_usage("unexpected argument: ", argv[optind]);
	if ((o->check != CHECK_NOT) + o->print + o->unit_dropin + o->daemon > 1)
		die_usage("-t, -T, --unit-dropin and -d exclude each other", "");
}

/* The configuration is loaded and nothing is started. */
static bool only_looks(const struct options *o)
{
	return o->print || o->unit_dropin || o->check != CHECK_NOT;
}

static struct config_source source_of(const struct options *o)
{
	return (struct config_source){
		.file = o->file,
		.overrides = (const char *const *)o->overrides,
		.n_overrides = o->n_overrides,
		.handlers = service_kinds,
		.loader = &module_loader,
		.modules = only_looks(o) ? MODULES_LOOK : MODULES_REHEARSE,
		.portable = o->check == CHECK_PORTABLE,
	};
}

static void print_problem(const char *text, bool is_error)
{
	char line[LOG_LINE_MAX];

	(void)escape_bytes(text, strlen(text), line, sizeof(line));
	(void)fprintf(stderr, "%s%s\n", line, is_error ? "" : " (warning)");
}

/* Writes what is wrong. */
static void print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *p = problems_get(problems, i);

		print_problem(p->text, p->level == LOG_ERR);
	}
}

/* The exit status of a wrong configuration tells the service manager that another start would fail, too. */
static int status_of(const struct problems *problems)
{
	if (!problems_have_error(problems))
		return EX_OK;
	return problems_may_pass(problems) ? EX_OSERR : EX_CONFIG;
}

/* NULL, if there is a mistake, and the exit status. */
static struct config *try_load(const struct options *o, int *status_out)
{
	struct config_source source = source_of(o);
	struct problems *problems;
	struct config *config = config_load(&source, &problems);

	print_problems(problems);
	*status_out = status_of(problems);
	problems_free(&problems);
	return config;
}

/* --check=host: the exit status that the start would have. */
static int check_host(const struct options *o)
{
	struct config_source source = source_of(o);
	struct host_unit *host = host_check_begin(&source);
	struct problems *problems;
	struct config *config = config_load(&source, &problems);
	int status;

	if (config != NULL)
		upstream_names_check(config, &problems);
	host_check_end(&host, config, &problems);
	print_problems(problems);
	status = status_of(problems);
	problems_free(&problems);
	config_free(&config);
	return status;
}

/* --unit-dropin: the exit status that the check would have. */
static int print_dropin(const struct options *o)
{
	struct config_source source = source_of(o);
	struct problems *problems;
	int status;

	unit_dropin_write(&source, stdout, &problems);
	print_problems(problems);
	status = status_of(problems);
	problems_free(&problems);
	return status;
}

/* The same in the process that serves already: nothing that the configuration contains may end it. */
static struct config *try_load_in_child(const struct options *o)
{
	const struct config_source source = source_of(o);
	json_t *reasons;
	struct config *config = config_trial_now(&source, &reasons);
	const json_t *text;
	size_t i;

	json_array_foreach (reasons, i, text)
		print_problem(json_string_value(text), config == NULL);
	json_decref(reasons);
	return config;
}

static struct config *load(const struct options *o)
{
	int status = EX_CONFIG;
	struct config *config;

	if (!handover_env_is_upgrade())
		config = try_load(o, &status);
	else
		/* It was all right a moment ago, in the rehearsal, and there are clients: somebody is just writing it,
		 * or there was no memory. */
		do
			config = try_load_in_child(o);
		while (config == NULL && retry_wait(CONFIG_RETRY_MS, "the configuration cannot be used; trying again "
								     "until it can") == 0);
	if (config == NULL)
		exit(status);
	return config;
}

/* In the process that is going to serve. It was all right a moment ago, in a child. */
static int begin_modules(const struct launch *launch, struct config *config)
{
	struct problems *problems;
	int rc = config_begin_modules(config, &launch->source, &problems);

	for (size_t i = 0; problems != NULL && i < problems_count(problems); i++)
		log_msg(LOG_ERR, "%s", problems_get(problems, i)->text);
	problems_free(&problems);
	return rc;
}

static void on_ready(void)
{
	log_echo(-1);
	background_ready();
}

/* A command line that means the same wherever it is said again: paths are absolute, and a process that is in the
 * background already does not go there. */
static char **same_again(const struct options *o)
{
	char **argv = calloc(o->n_overrides * 2 + 8, sizeof(*argv));
	size_t n = 0;

	if (argv == NULL)
		die_no_memory();
	argv[n++] = copy(o->binary);
	argv[n++] = copy("-c");
	argv[n++] = copy(o->file);
	for (size_t i = 0; i < o->n_overrides; i++) {
		argv[n++] = copy("-o");
		argv[n++] = copy(o->overrides[i]);
	}
	if (o->target >= 0) {
		argv[n++] = copy("-l");
		argv[n++] = copy(log_target_name(o->target));
	}
	if (o->verbose)
		argv[n++] = copy("-v");
	return argv;
}

static void free_list(char **list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static int run(struct options *o, struct config *config)
{
	struct launch launch = {
		.log_target = o->target,
		.verbose = o->verbose,
		.binary = o->binary,
		.when_ready = o->daemon ? on_ready : NULL,
	};
	struct err err;
	bool background;
	int terminal, status;

	if (handover_env_in_background(&background, &err) < 0 && err.code == ENOMEM)
		die_no_memory(); /* other errors are found again, and reported, by handover_env_take() */
	launch.foreground = !o->daemon && !background;
	free(o->file);
	o->file = copy(config->file); /* absolute, and so is what comes of it at a reload */
	launch.source = source_of(o);
	o->again = same_again(o);
	launch.argv = command_line = o->again;
	launch_log(&launch, config);
	if (handover_env_is_rehearsal())
		_exit(rehearsal_run(&launch, config)); /* of a process that others look after: nothing is put away */
	if (o->daemon) {
		log_echo(STDERR_FILENO);
		terminal = background_start(&err);
		if (terminal < 0)
			goto fail;
		log_echo(terminal);
	}
	if (fd_null(STDIN_FILENO, &err) < 0 || fd_null(STDOUT_FILENO, &err) < 0)
		goto fail;
	if (chdir("/") < 0) {
		(void)err_sys(&err, "cannot change to /");
		goto fail;
	}
	if (begin_modules(&launch, config) < 0) {
		status = EX_OSERR;
		goto end;
	}
	status = master_run(&launch, config);
	free_list(launch.argv);
	return status;
fail:
	log_msg(LOG_ERR, "%s", err.text);
	status = EX_OSERR;
end:
	retry_start(command_line);
	config_free(&config);
	free_list(launch.argv);
	return status;
}

/* Started by a running daemon, which hands its descriptors over. */
static bool is_another_image(void)
{
	return handover_env_is_upgrade() || handover_env_is_rehearsal();
}

int main(int argc, char **argv)
{
	static struct options o = {.target = -1}; /* what the daemon uses to its end is in here */
	struct config *config;
	struct err err;
	int status = EX_OK;

	if (handover_env_is_upgrade())
		master_set_signals();
	command_line = argv;
	/* First of all, also in the image after an upgrade: workers may have the same user. */
	if (dumpable_set(false, &err) < 0 || fds_fill_stdio(&err) < 0) {
		(void)fprintf(stderr, "preforkd: %s\n", err.text);
		retry_start(command_line);
		return EX_OSERR;
	}
	o.overrides = calloc((size_t)argc + 1, sizeof(*o.overrides));
	if (o.overrides == NULL)
		die_no_memory();
	o.file = copy(DEFAULT_CONFIG);
	parse(argc, argv, &o);
	if (!only_looks(&o) && !is_another_image() && inherited_close_others(&err) < 0) {
		(void)fprintf(stderr, "preforkd: %s\n", err.text);
		return EX_OSERR;
	}
	o.binary = launch_binary(argv[0]);
	if (o.binary == NULL)
		die_no_memory();
	title_init(argc, argv);
	config = o.check != CHECK_HOST && !o.unit_dropin ? load(&o) : NULL;
	if (o.print)
		config_print(config, stdout);
	if (o.check == CHECK_HOST)
		status = check_host(&o);
	else if (o.unit_dropin)
		status = print_dropin(&o);
	else if (o.print || o.check != CHECK_NOT)
		config_free(&config);
	else
		status = run(&o, config);
	free(o.binary);
	free_list(o.overrides);
	free(o.file);
	if (o.print || o.unit_dropin)
		finish_output(status);
	return status;
}
