/* SPDX-License-Identifier: MIT */
#include "change/host_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/executable.h"
#include "change/host_paths.h"
#include "change/host_report.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/loader.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/folder.h"
#include "syntax/problems.h"

#define INTERPRETERS_MOST 5 /* as execve(2) */

/* Reports a rule of the unit that hides PATH, or what it stands for without links. False: there is none. */
static bool is_hidden(struct host_report *report, const struct host_place *place, const char *path, const char *real)
{
	const struct unit_view_rule *rule = unit_view_hides(&report->host->view, path);
	bool missing;

	if (rule == NULL)
		rule = unit_view_hides(&report->host->view, real);
	if (rule == NULL)
		return false;
	/* An optional service waits for a file that is not there; a folder that cannot be entered is another error. */
	host_paths_lack_view(report, place, rule, path, false);
	missing = rule->kind == VIEW_PRIVATE || report->host->who.may_override;
	host_report_add(report, missing && place->waits ? HOST_REFUSAL : HOST_MISTAKE, place,
			"\"%.256s\": %s of %s hides %s; %s", path, rule->setting, report->host->settings.unit,
			rule->path, report->host->edit);
	return true;
}

/* ---- the configuration ---- */

static void judge_file(struct host_report *report, const char *file, int how)
{
	const struct origin where = {.file = file};
	const struct host_place place = {.where = &where};
	char real[PATH_MAX];
	struct err why;

	switch (path_access(file, how, &report->host->who, real, &why)) {
	case PATH_NO:
		if (host_paths_overridden(&report->host->who, file, how))
			host_report_lack(report, &place, "CapabilityBoundingSet", "CAP_DAC_READ_SEARCH",
					 "the daemon reads a file of another user");
		host_report_add(report, HOST_MISTAKE, &place,
				"%s; change its mode or owner, or give the daemon "
				"CAP_DAC_READ_SEARCH: %s",
				why.text, report->host->edit);
		break;
	case PATH_UNKNOWN:
		host_report_add(report, HOST_DOUBT, &place, "%s", why.text);
		break;
	case PATH_YES:
		(void)is_hidden(report, &place, file, real);
		break;
	}
}

/* All files that were read for the check, and the folder in which the daemon looks for more of them. */
static void judge_configuration(struct host_report *report)
{
	char folder[PATH_MAX];
	const char *file;

	for (size_t i = 0; (file = problems_file_get(report->problems, i)) != NULL; i++) {
		if (file[0] == '/')
			judge_file(report, file, R_OK);
	}
	folder_beside(report->config->file, folder, sizeof(folder));
	if (access(folder, F_OK) == 0)
		judge_file(report, folder, R_OK | X_OK);
}

/* ---- programs ---- */

/* One of PROGRAM and its interpreters, or a module; HOW as in path_access(). False: it cannot be run. */
static bool judge_executable(struct host_report *report, const struct host_place *place, const char *program, int how)
{
	const struct unit_view_rule *rule;
	char real[PATH_MAX];
	struct err why;

	switch (path_access(program, how, &report->host->who, real, &why)) {
	case PATH_NO:
		host_report_add(report, HOST_MISTAKE, place, "\"%.256s\": %s", program, why.text);
		return false;
	case PATH_UNKNOWN:
		host_report_add(report, HOST_DOUBT, place, "\"%.256s\": %s", program, why.text);
		return false;
	case PATH_YES:
		break;
	}
	if (is_hidden(report, place, program, real))
		return false;
	rule = unit_view_forbids_exec(&report->host->view, real);
	if (rule == NULL)
		return true;
	host_report_lack(report, place, "ExecPaths", real, "a program is started from there");
	host_report_add(report, HOST_MISTAKE, place, "\"%.256s\": %s of %s lets nothing in %s run; %s", program,
			rule->setting, report->host->settings.unit, rule->path, report->host->edit);
	return false;
}

/* Below the unit's own root folder, where absolute links lead elsewhere than here: only what is missing is told. */
static void judge_in_root(struct host_report *report, const struct host_place *place, const char *path)
{
	const char *root = host_unit_root(report->host);
	char inside[PATH_MAX + 256];
	struct stat st;

	(void)snprintf(inside, sizeof(inside), "%s%s", root, path);
	if (lstat(inside, &st) < 0 && unit_view_shows(&report->host->view, path) == NULL)
		host_report_add(report, HOST_DOUBT, place, "\"%.256s\": RootDirectory=%.200s of %s has no such file",
				path, root, report->host->settings.unit);
}

static void judge_program(struct host_report *report, const struct service_values *values)
{
	const struct host_place place = host_place_of(values, "command");
	const struct host_place module = host_place_of(values, "path");
	char name[PATH_MAX], next[PATH_MAX];

	if (host_unit_root(report->host) != NULL) {
		if (values->service.module != NULL)
			judge_in_root(report, &module, values->service.module->path);
		if (values->service.command != NULL)
			judge_in_root(report, &place, values->service.command[0]);
		return;
	}
	if (values->service.module != NULL)
		(void)judge_executable(report, &module, values->service.module->path, R_OK);
	if (values->service.command == NULL || values->service.sandbox.root != NULL)
		return;
	(void)snprintf(name, sizeof(name), "%s", values->service.command[0]);
	for (int i = 0; i < INTERPRETERS_MOST && name[0] == '/'; i++) {
		if (!judge_executable(report, &place, name, X_OK) || !executable_interpreter(name, next, sizeof(next)))
			return;
		memcpy(name, next, sizeof(name));
	}
}

/* ---- folders ---- */

/* A folder that the unit has an empty one of its own for is meant as it is in the unit. */
static bool is_own_folder(const struct host_report *report, const char *path)
{
	const struct unit_view_rule *rule = unit_view_hides(&report->host->view, path);

	return rule != NULL && rule->kind == VIEW_PRIVATE && strcmp(rule->path, path) == 0;
}

static void judge_paths(struct host_report *report, const struct service_values *values, const char *key, char **paths)
{
	const struct host_place place = host_place_of(values, key);

	for (; paths != NULL && *paths != NULL; paths++) {
		if (!is_own_folder(report, *paths))
			(void)is_hidden(report, &place, *paths, *paths);
	}
}

/* The folder of the same name in a root folder of its own is another one. */
static void judge_directory(struct host_report *report, const struct service_values *values)
{
	const struct host_place place = host_place_of(values, "program.directory");
	const char *directory = values->service.program.directory;

	if (directory == NULL || values->service.sandbox.root != NULL)
		return;
	if (host_unit_root(report->host) != NULL)
		judge_in_root(report, &place, directory);
	else if (!is_own_folder(report, directory))
		(void)is_hidden(report, &place, directory, directory);
}

static void judge_writing(struct host_report *report, const struct service_values *values)
{
	const struct host_place place = host_place_of(values, "sandbox.write");
	char **paths = values->service.sandbox.write;
	const struct unit_view_rule *rule;
	char real[PATH_MAX];

	for (; paths != NULL && *paths != NULL; paths++) {
		rule = realpath(*paths, real) != NULL ? unit_view_protects(&report->host->view, real) : NULL;
		if (rule == NULL)
			continue;
		host_report_lack(report, &place, "ReadWritePaths", real, "a service writes there");
		host_report_add(report, HOST_DOUBT, &place, "\"%.256s\": %s of %s makes it read-only; %s", *paths,
				rule->setting, report->host->settings.unit, report->host->edit);
	}
}

static void judge_lists(struct host_report *report, const struct service_values *values)
{
	judge_paths(report, values, "sandbox.read", values->service.sandbox.read);
	judge_paths(report, values, "sandbox.write", values->service.sandbox.write);
	judge_paths(report, values, "sandbox.execute", values->service.sandbox.execute);
	judge_writing(report, values);
}

void host_files_judge(struct host_report *report)
{
	const struct config_store *store = report->config->store;

	if (report->host->reads) /* this process has read it */
		judge_configuration(report);
	for (size_t i = 0; i < store->n_services; i++)
		judge_program(report, &store->services[i]);
	for (size_t i = 0; i < report->config->n_services; i++) {
		judge_directory(report, &store->services[i]);
		judge_lists(report, &store->services[i]);
	}
}
