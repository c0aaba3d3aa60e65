/* SPDX-License-Identifier: MIT */
#include "config/confine_check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/capability.h"
#include "base/err.h"
#include "base/fds.h"
#include "config/checker.h"
#include "config/environment.h"
#include "config/limit_table.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"
#include "config/way_check.h"

#define NICE_ZERO 20 /* RLIMIT_NICE counts from here downwards (getrlimit(2)) */

static void complete_argv(const struct checker *checker, struct service_values *values)
{
	struct config_program *program = &values->service.program;
	size_t n = values->command.n;

	program->argv = values->service.command;
	if (program->argv == NULL || program->argv0 == NULL)
		return;
	program->argv = arena_alloc(checker->store->arena, (n + 1) * sizeof(*program->argv));
	memcpy(program->argv, values->command.items, n * sizeof(*program->argv));
	program->argv[0] = program->argv0;
}

/* Adds those of the daemon's own variables that are to be passed on. Returns the new number of texts in OUT. */
static size_t pass_variables(const struct checker *checker, const struct service_values *values, char **out)
{
	const struct text_list *names = &values->pass_environment;
	const struct variables *set = &values->environment;
	size_t n = 0;
	struct err err;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->items[i], *value;

		if (environment_check_name(name, &err) < 0) {
			checker_error(checker, values, value_source(values, "program.pass_environment"), "%s",
				      err.text);
			continue;
		}
		value = getenv(name);
		if (value == NULL || environment_has(set, name))
			continue;
		out[n++] = arena_printf(checker->store->arena, "%s=%s", name, value);
	}
	return n;
}

/* Also reports what cannot be passed on. */
static void complete_environment(const struct checker *checker, struct service_values *values)
{
	const struct variables *set = &values->environment;
	struct arena *arena = checker->store->arena;
	size_t most = set->n + values->pass_environment.n, n;
	char **list = arena_alloc(arena, (most + 1) * sizeof(*list));

	n = pass_variables(checker, values, list);
	for (size_t i = 0; i < set->n; i++)
		list[n++] = arena_printf(arena, "%s=%s", set->list[i].name, set->list[i].value);
	if (most > CONFIG_VARIABLES_MOST)
		checker_error(checker, values, value_source(values, "program.environment"),
			      "%zu variables, with those of pass_environment, are more than %d", most,
			      CONFIG_VARIABLES_MOST);
	values->service.program.environment = list;
}

static void check_directory(const struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "program.directory");
	const char *directory = values->service.program.directory;
	struct stat st;
	struct err err;

	if (directory == NULL)
		return;
	if (directory[0] != '/') {
		checker_error(checker, values, source, "\"%.256s\" must be a full path, beginning with /", directory);
		return;
	}
	if (checker->source->portable)
		return;
	if (stat(directory, &st) < 0) {
		(void)err_set(&err, "\"%.256s\": %s", directory, strerror(errno));
		err.code = errno == ENOENT ? ENOENT : 0;
		checker_waits(checker, values, source, &err);
	} else if (!S_ISDIR(st.st_mode)) {
		checker_error(checker, values, source, "\"%.256s\" is not a directory", directory);
	} else if (values->service.identity.set && !values->service.identity.pending) {
		way_check(checker, values, source, directory);
	}
}

/* Some values need a capability if they ask for more than this process has. */
static void check_nice(const struct checker *checker, const struct service_values *values)
{
	int64_t nice = values->service.program.nice;
	int now = getpriority(PRIO_PROCESS, 0);
	struct rlimit limit;

	if (nice == CONFIG_UNSET || nice >= now || capability_has(CAP_SYS_NICE))
		return;
	if (getrlimit(RLIMIT_NICE, &limit) == 0 &&
	    (limit.rlim_cur == RLIM_INFINITY || (int64_t)limit.rlim_cur >= NICE_ZERO - nice))
		return;
	checker_error(
		checker, values, value_source(values, "program.nice"),
		"%d is more urgent than the daemon itself is, %d, which needs CAP_SYS_NICE or LimitNICE= of the unit",
		(int)nice, now);
}

/* The score of this process; false: it cannot be read. */
static bool read_score(long *out)
{
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	fd_close(&fd);
	*out = strtol(text, NULL, 10);
	return n > 0;
}

static void check_oom_score(const struct checker *checker, const struct service_values *values)
{
	int64_t score = values->service.program.oom_score_adjust;
	long now;

	if (score == CONFIG_UNSET || capability_has(CAP_SYS_RESOURCE) || !read_score(&now) || score >= now)
		return;
	checker_error(checker, values, value_source(values, "program.oom_score_adjust"),
		      "%ld is less than the daemon itself has, %ld, which needs CAP_SYS_RESOURCE", (long)score, now);
}

/* The kernel lets nobody have more than fs.nr_open descriptors. */
static rlim_t read_most_files(void)
{
	int fd = open("/proc/sys/fs/nr_open", O_RDONLY | O_CLOEXEC);
	char text[24] = "";
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	fd_close(&fd);
	return n > 0 ? (rlim_t)strtoull(text, NULL, 10) : RLIM_INFINITY;
}

static void check_limit(const struct checker *checker, const struct service_values *values,
			const struct limit_kind *kind)
{
	int64_t number = limit_kind_number(kind, &values->service.limits);
	struct rlimit now = {.rlim_max = RLIM_INFINITY};
	const char *by = "the hard limit of ";
	char wanted[32], most[32];

	if (number == CONFIG_UNSET)
		return;
	if (!capability_has(CAP_SYS_RESOURCE)) {
		(void)getrlimit((__rlimit_resource_t)kind->resource, &now);
	} else if (kind->resource == RLIMIT_NOFILE) {
		now.rlim_max = read_most_files();
		by = "the sysctl fs.nr_open is the most of ";
	}
	if (limit_kind_value(kind, number) <= now.rlim_max)
		return;
	limit_kind_format(kind, limit_kind_value(kind, number), wanted, sizeof(wanted));
	limit_kind_format(kind, now.rlim_max, most, sizeof(most));
	checker_error(checker, values, value_source(values, kind->key),
		      "%s is more than the daemon itself has, %s (%s%s); raise %s= of the unit, or ulimit -H -%c",
		      wanted, most, by, kind->name, kind->setting, kind->ulimit);
}

void confine_check(const struct checker *checker, struct service_values *values)
{
	complete_argv(checker, values);
	complete_environment(checker, values);
	check_directory(checker, values);
	/* Otherwise another process starts the daemon, and this one has not its limits. */
	if (checker->source->portable || checker->source->starter != NULL)
		return;
	check_nice(checker, values);
	check_oom_score(checker, values);
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		check_limit(checker, values, &limit_kinds[i]);
}
