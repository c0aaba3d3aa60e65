/* SPDX-License-Identifier: MIT */
#include "config/sandbox_lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/capability.h"
#include "base/err.h"
#include "base/executable.h"
#include "base/fds.h"
#include "base/path_in_root.h"
#include "base/path_trust.h"
#include "config/checker.h"
#include "config/nearest.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"

#define INTERPRETERS_MOST 5 /* as execve(2) */

/* ---- capabilities ---- */

#define CAPABILITIES_MOST 64

static void report_unknown(const struct checker *checker, const struct service_values *values,
			   const struct value_source *place, const char *name)
{
	char texts[CAPABILITIES_MOST][CAPABILITY_TEXT];
	const char *words[CAPABILITIES_MOST], *near;
	size_t skip = strncasecmp(name, "CAP_", 4) == 0 ? 0 : 4;

	for (int i = 0; i < CAPABILITIES_MOST; i++) {
		capability_name(i, texts[i]);
		words[i] = texts[i] + skip;
	}
	near = nearest_word(words, CAPABILITIES_MOST, name);
	if (near != NULL)
		checker_error(checker, values, place, "there is no capability \"%.64s\"; did you mean \"%s\"?", name,
			      near);
	else
		checker_error(checker, values, place, "there is no capability \"%.64s\"", name);
}

/* --check=host compares with those of the unit (change/host_files.c). */
static void check_own(const struct checker *checker, const struct service_values *values,
		      const struct value_source *place, int number)
{
	char name[CAPABILITY_TEXT];

	if (checker->source->portable || checker->source->starter != NULL || capability_has(number))
		return;
	capability_name(number, name);
	checker_error(checker, values, place,
		      "the daemon lacks %s, so it cannot give it (a systemd unit: see preforkd --unit-dropin)", name);
}

static void find_capabilities(const struct checker *checker, struct service_values *values)
{
	struct value_source place = *value_source(values, "sandbox.capabilities");
	struct config_sandbox *sandbox = &values->service.sandbox;
	const struct text_list *list = &values->capabilities;

	sandbox->capabilities_written = list->items != NULL;
	for (size_t i = 0; i < list->n; i++) {
		int number = capability_by_name(list->items[i]);

		place.origin = list->origins[i];
		if (number < 0) {
			report_unknown(checker, values, &place, list->items[i]);
			continue;
		}
		sandbox->capabilities |= UINT64_C(1) << number;
		check_own(checker, values, &place, number);
	}
}

/* ---- the root folder ---- */

static void check_root(const struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "sandbox.root");
	const char *root = values->service.sandbox.root;
	char real[PATH_MAX];
	struct stat st;
	struct err err;

	if (root[0] != '/') {
		checker_error(checker, values, source, "\"%.256s\" must be a full path, beginning with /", root);
		return;
	}
	check_own(checker, values, source, CAP_SYS_CHROOT);
	if (checker->source->portable)
		return;
	if (stat(root, &st) < 0) {
		(void)err_sys(&err, "\"%.256s\"", root);
		checker_waits(checker, values, source, &err);
	} else if (!S_ISDIR(st.st_mode)) {
		checker_error(checker, values, source, "\"%.256s\" is no folder", root);
	} else if (path_trust(root, real, &st, &err) < 0 && err.code == 0) {
		checker_warning(checker, values, source, "others than root can change what is in it: %s", err.text);
	}
}

/* Only a folder that is there can be covered by a private one. */
static void check_tmp_in_root(const struct checker *checker, const struct service_values *values)
{
	const struct config_sandbox *sandbox = &values->service.sandbox;
	char real[PATH_MAX];

	if (sandbox->private_tmp && path_in_root(sandbox->root, "/tmp", real) < 0 && errno == ENOENT &&
	    path_in_root(sandbox->root, "/var/tmp", real) < 0 && errno == ENOENT && access(sandbox->root, F_OK) == 0)
		checker_error(checker, values, checker_nearer(values, "sandbox.root", "sandbox.private_tmp"),
			      "sandbox.private_tmp needs a folder tmp or var/tmp in %.256s", sandbox->root);
}

/* The programs in it; the libraries that they need are not known. */
static void check_command_in_root(const struct checker *checker, const struct service_values *values)
{
	const char *root = values->service.sandbox.root, *program;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;

	program = values->service.command != NULL ? values->service.command[0] : "";
	if (fd >= 0 && program[0] == '/' && executable_check_in(fd, program, &err) < 0 && err.code != ENOSYS)
		checker_error(checker, values, value_source(values, "command"),
			      "\"%.128s\" cannot be run in %.128s: %s", program, root, err.text);
	fd_close(&fd);
}

static void check_in_root(const struct checker *checker, const struct service_values *values)
{
	check_tmp_in_root(checker, values);
	check_command_in_root(checker, values);
}

/* ---- paths ---- */

/* The worker says of a path in the root folder that it is missing, if this host cannot look it up there. */
static bool is_missing(const struct service_values *values, const char *path)
{
	char real[PATH_MAX];

	return path_in_root(values->service.sandbox.root, path, real) < 0 &&
	       (values->service.sandbox.root == NULL || errno != ENOSYS);
}

/* REAL, as path_in_root() returns it, is below a folder that sandbox.private_tmp covers. */
static bool is_covered(const struct config_sandbox *sandbox, const char *real)
{
	static const char *const folders[] = {"/tmp", "/var/tmp"};
	char folder[PATH_MAX];

	for (size_t i = 0; sandbox->private_tmp && i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len;

		if (path_in_root(sandbox->root, folders[i], folder) < 0)
			continue;
		len = strlen(folder);
		if (strncmp(real, folder, len) == 0 && real[len] == '/')
			return true;
	}
	return false;
}

/* PATH is in the configuration at PLACE. */
static bool check_covered(const struct checker *checker, const struct service_values *values,
			  const struct value_source *place, const char *path)
{
	const struct config_sandbox *sandbox = &values->service.sandbox;
	char real[PATH_MAX];

	if (path_in_root(sandbox->root, path, real) < 0 || !is_covered(sandbox, real))
		return true;
	checker_error(checker, values, place,
		      "\"%.256s\" cannot be seen with sandbox.private_tmp: its /tmp and /var/tmp are empty at first",
		      path);
	return false;
}

static bool check_path(const struct checker *checker, const struct service_values *values,
		       const struct value_source *place, const char *path)
{
	const char *root = values->service.sandbox.root;
	struct err err;

	if (path[0] != '/') {
		checker_error(checker, values, place, "\"%.256s\" must be a full path, beginning with /", path);
		return false;
	}
	if (checker->source->portable)
		return true;
	if (!is_missing(values, path))
		return check_covered(checker, values, place, path);
	(void)err_sys(&err, "\"%.128s\"%s%.128s", path, root != NULL ? " in " : "", root != NULL ? root : "");
	checker_lacks(checker, values, place, &err);
	return false;
}

/* NULL: the list was not written, or an entry of it is bad, which was reported. */
static char **find_paths(const struct checker *checker, const struct service_values *values, const char *key,
			 const struct text_list *list)
{
	struct value_source place = *value_source(values, key);
	bool good = true;

	for (size_t i = 0; i < list->n; i++) {
		place.origin = list->origins[i];
		good &= check_path(checker, values, &place, list->items[i]);
	}
	return good ? list->items : NULL;
}

static struct config_ports find_ports(const struct checker *checker, const struct text_list *list)
{
	struct config_ports ports = {.limited = list->items != NULL, .n = list->n};

	ports.list = arena_alloc(checker->store->arena, (list->n + 1) * sizeof(*ports.list));
	for (size_t i = 0; i < list->n; i++)
		ports.list[i] = (uint16_t)strtoul(list->items[i], NULL, 10); /* the row's range was checked */
	return ports;
}

/* ---- the program, by the lists ---- */

/* FILE: as path_in_root() returns it. */
static bool is_below(const char *root, const char *file, char *const *list)
{
	char real[PATH_MAX];

	for (; list != NULL && *list != NULL; list++) {
		size_t len;

		if (path_in_root(root, *list, real) < 0)
			continue;
		len = strcmp(real, "/") == 0 ? 0 : strlen(real);
		if (strncmp(file, real, len) == 0 && (file[len] == '/' || file[len] == '\0'))
			return true;
	}
	return false;
}

/* The path that is written in the configuration for REAL. */
static const char *name_inside(const char *root, const char *real)
{
	char top[PATH_MAX];
	size_t len = root != NULL && realpath(root, top) != NULL ? strlen(top) : 1;

	return len > 1 && strncmp(real, top, len) == 0 ? real + len : real;
}

/* REAL: the program, or an interpreter of it. The kernel asks for both rights. */
static bool check_listed(const struct checker *checker, const struct service_values *values, const char *real)
{
	const struct config_sandbox *sandbox = &values->service.sandbox;
	const char *root = sandbox->root;

	if (sandbox->execute != NULL && !is_below(root, real, sandbox->execute)) {
		checker_error(checker, values, value_source(values, "sandbox.execute"),
			      "the program could not run: add \"%.256s\"", name_inside(root, real));
		return false;
	}
	if (sandbox->read != NULL && !is_below(root, real, sandbox->read) && !is_below(root, real, sandbox->write) &&
	    !is_below(root, real, sandbox->execute)) {
		checker_error(checker, values, value_source(values, "sandbox.read"),
			      "the program could not run: add \"%.256s\"", name_inside(root, real));
		return false;
	}
	return true;
}

static void check_program(const struct checker *checker, const struct service_values *values)
{
	const char *root = values->service.sandbox.root;
	char file[PATH_MAX], real[PATH_MAX];

	if (values->service.command == NULL || checker->source->portable ||
	    !check_covered(checker, values, value_source(values, "command"), values->service.command[0]))
		return;
	(void)snprintf(file, sizeof(file), "%s", values->service.command[0]);
	for (int i = 0; i < INTERPRETERS_MOST; i++) {
		if (path_in_root(root, file, real) < 0 || !check_listed(checker, values, real))
			return; /* what is missing was reported with the command */
		if (!executable_interpreter(real, file, sizeof(file)) && !executable_loader(real, file, sizeof(file)))
			return;
	}
}

/* The directory is checked for itself by config/confine_check.h. */
static void check_directory(const struct checker *checker, const struct service_values *values)
{
	const char *directory = values->service.program.directory;

	if (directory != NULL && directory[0] == '/' && !checker->source->portable)
		(void)check_covered(checker, values, value_source(values, "program.directory"), directory);
}

void sandbox_lookup(const struct checker *checker, struct service_values *values)
{
	struct config_sandbox *sandbox = &values->service.sandbox;

	find_capabilities(checker, values);
	if (sandbox->root != NULL) {
		check_root(checker, values);
		if (!checker->source->portable && sandbox->root[0] == '/')
			check_in_root(checker, values);
	}
	sandbox->read = find_paths(checker, values, "sandbox.read", &values->sandbox_read);
	sandbox->write = find_paths(checker, values, "sandbox.write", &values->sandbox_write);
	sandbox->execute = find_paths(checker, values, "sandbox.execute", &values->sandbox_execute);
	sandbox->tcp_connect = find_ports(checker, &values->tcp_connect);
	sandbox->tcp_bind = find_ports(checker, &values->tcp_bind);
	check_program(checker, values);
	check_directory(checker, values);
}
