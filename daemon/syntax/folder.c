/* SPDX-License-Identifier: MIT */
#include "syntax/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/path_trust.h"
#include "syntax/problems.h"
#include "syntax/read.h"

#define SUFFIX ".conf"

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool is_config_file(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Unlike alphasort(3), this order does not depend on the locale. */
static int compare_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* False: others than root could put files into FOLDER. */
static bool is_safe(const char *folder, struct problems *problems)
{
	const struct origin where = {.file = folder};
	char real[PATH_MAX];
	struct stat st;
	struct err err;

	if (path_trust(folder, real, &st, &err) == 0 || err.code != 0)
		return true;
	problems_add(problems, LOG_ERR, &where, NULL, "%s", err.text);
	return false;
}

static int read_conf_d(const char *folder, bool wary, struct arena *arena, struct problems *problems, struct raws *raws)
{
	const struct origin where = {.file = folder};
	struct dirent **entries;
	int n, i, rc = 0;

	if (wary && !is_safe(folder, problems))
		return -1;
	n = scandir(folder, &entries, is_visible, compare_bytes);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0) {
		problems_add(problems, LOG_ERR, &where, NULL, "cannot read the folder: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < n; i++) {
		const char *file = arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
		const struct origin other = {.file = file};

		if (!is_config_file(entries[i]->d_name))
			problems_add(problems, LOG_WARNING, &other, NULL,
				     "it is not read, because its name does not end in " SUFFIX);
		else if (read_file(file, wary, arena, problems, raws) < 0)
			rc = -1;
		free(entries[i]);
	}
	free(entries);
	return rc;
}

void folder_beside(const char *main_file, char *out, size_t size)
{
	const char *slash = strrchr(main_file, '/'), *name = slash != NULL ? slash + 1 : main_file;
	size_t len = strlen(name);

	if (strcmp(name, "preforkd.conf") == 0) {
		(void)snprintf(out, size, "%.*sconf.d", (int)(name - main_file), main_file);
		return;
	}
	if (len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0)
		len -= strlen(SUFFIX);
	(void)snprintf(out, size, "%.*s.d", (int)(name - main_file) + (int)len, main_file);
}

int folder_read(const char *main_file, bool wary, struct arena *arena, struct problems *problems, struct raws *raws)
{
	char folder[PATH_MAX];
	int rc, rc_folder;

	folder_beside(main_file, folder, sizeof(folder));
	rc = read_file(main_file, wary, arena, problems, raws);
	rc_folder = read_conf_d(arena_strdup(arena, folder), wary, arena, problems, raws);
	return rc < 0 ? rc : rc_folder;
}
