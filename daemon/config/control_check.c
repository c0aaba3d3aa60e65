/* SPDX-License-Identifier: MIT */
#include "config/control_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/err.h"
#include "config/checker.h"
#include "config/identity.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

#define PATH_MOST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* Reports a problem with the key PATH, at its place. */
__attribute__((format(printf, 4, 5))) static struct problem *report_key(const struct checker *checker, int level,
									const char *path, const char *fmt, ...)
{
	const struct value_source *source = value_source_main(&checker->store->main, path);
	struct problem *problem;
	va_list ap;

	va_start(ap, fmt);
	problem = problems_vadd(checker->problems, level, &source->origin, source->key, fmt, ap);
	va_end(ap);
	return problem;
}

static void check_path(const struct checker *checker, const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/')
		report_key(checker, LOG_ERR, "control.path", "\"%.256s\" must be a full path, beginning with /", path);
	else if (path[len - 1] == '/')
		report_key(checker, LOG_ERR, "control.path", "\"%.256s\" names a directory", path);
	else if (len > PATH_MOST)
		report_key(checker, LOG_ERR, "control.path",
			   "\"%.256s\": the path has %zu bytes, a socket's can have %zu", path, len, PATH_MOST);
}

/* Reports the conflict at the service, because the path of the control socket may be the default. */
static void report_taken(const struct checker *checker, const struct service_values *values, size_t index)
{
	const struct value_source *control = value_source_main(&checker->store->main, "control.path");
	struct value_source place = *value_source(values, "listen");
	char where[700] = "";

	place.origin = values->service.listen_origin[index];
	if (control->origin.file != NULL)
		(void)snprintf(where, sizeof(where), " in %s:%d", control->origin.file, control->origin.line);
	else if (control->level == LEVEL_PRESET)
		(void)snprintf(where, sizeof(where), ", which has it by default");
	checker_error(checker, values, &place, "\"%s\" is taken already, by control.path%s",
		      values->service.listen[index].text, where);
}

static void check_taken(const struct checker *checker, const char *path)
{
	const struct config_store *store = checker->store;
	const struct config_service *service;
	size_t i, k;

	for (i = 0; i < store->n_services; i++) {
		service = &store->services[i].service;
		for (k = 0; k < service->n_listen; k++) {
			if (service->listen[k].kind == ADDR_UNIX && strcmp(service->listen[k].host, path) == 0)
				report_taken(checker, &store->services[i], k);
		}
	}
}

void control_check(struct checker *checker)
{
	struct main_values *values = &checker->store->main;
	const struct value_source *source = value_source_main(values, "control.path");
	struct config_control *control = &values->control;
	struct err err;

	control->path_written = source->level != LEVEL_PRESET;
	control->read_all = values->control_read == CONTROL_READ_ALL;
	control->group = (gid_t)-1;
	if (values->control_group != NULL && !checker->source->portable &&
	    identity_gid(values->control_group, &control->group, &err) < 0)
		report_key(checker, LOG_ERR, "control.group", "%s", err.text)->may_pass = checker_may_pass(&err);
	if (control->path == NULL || source->bad)
		return;
	check_path(checker, control->path);
	check_taken(checker, control->path);
	if (control->read_all && (control->mode & S_IWOTH) == 0)
		report_key(checker, LOG_WARNING, "control.read",
			   "\"all\" does not reach all clients: with control.mode %04o only the owner "
			   "and the group of the socket can connect; \"0666\" lets others",
			   (unsigned)control->mode);
}
