/* SPDX-License-Identifier: MIT */
#include "change/launch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"

/* PATH is the file that this process runs. */
static bool is_own_program(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Finds NAME as execvp(3) does, in $PATH. */
static bool search_path(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t len = strcspn(path, ":");

		(void)snprintf(out, size, "%.*s/%s", (int)len, path, name);
		if (out[0] == '/' && is_own_program(out))
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

char *launch_binary(const char *argv0)
{
	char out[PATH_MAX], folder[PATH_MAX];
	ssize_t n;

	if (argv0 != NULL && argv0[0] == '/' && is_own_program(argv0))
		return strdup(argv0);
	if (argv0 != NULL && strchr(argv0, '/') != NULL && getcwd(folder, sizeof(folder)) != NULL &&
	    (size_t)snprintf(out, sizeof(out), "%s/%s", folder, argv0) < sizeof(out) && is_own_program(out))
		return strdup(out);
	if (argv0 != NULL && strchr(argv0, '/') == NULL && search_path(argv0, out, sizeof(out)))
		return strdup(out);
	n = readlink("/proc/self/exe", out, sizeof(out) - 1);
	if (n < 0)
		return strdup(argv0 != NULL ? argv0 : "preforkd");
	out[n] = '\0';
	return strdup(out);
}

void launch_log(const struct launch *launch, const struct config *config)
{
	int target = launch->log_target >= 0 ? launch->log_target : config->log.target;

	log_set_level(launch->verbose ? LOG_DEBUG : config->log.level);
	log_open((enum log_target)target, config->log.facility, launch->foreground);
}
