/* SPDX-License-Identifier: MIT */
#include "base/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"

/* ---- finding ---- */

/* The path of this process in version 2, as /proc tells it: "0::/system.slice/a.service". */
static int read_own(const char *root, char *out, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		found = strlen(line + 3) < size && strstr(line, "/..") == NULL;
		if (found)
			(void)snprintf(out, size, "%s", line + 3);
	}
	if (f != NULL)
		(void)fclose(f);
	return found ? 0 : -1;
}

/* LINE of /proc/self/mountinfo is a mount of version 2: where OWN, a path in its tree, is then found. */
static bool place_in_mount(char *line, const char *own, char *out, size_t size)
{
	char *rest = line, *fields[5] = {NULL};
	const char *kind = strstr(line, " - "), *top;
	size_t len;

	if (kind == NULL || strncmp(kind + 3, "cgroup2 ", 8) != 0)
		return false;
	for (int i = 0; i < 5; i++)
		fields[i] = strsep(&rest, " ");
	if (fields[4] == NULL)
		return false;
	top = fields[3];
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(own, top, len) != 0 || (own[len] != '/' && own[len] != '\0'))
		return false;
	return snprintf(out, size, "%s%s", fields[4], strcmp(own + len, "/") != 0 ? own + len : "") < (int)size;
}

int cgroup_find(const char *root, char *out, size_t size, struct err *err)
{
	char path[PATH_MAX], line[PATH_MAX + 512], own[PATH_MAX];
	bool found = false;
	FILE *f;

	if (read_own(root, own, sizeof(own)) < 0)
		return err_set(err, "this host has no control groups of version 2, or they are not visible here");
	(void)snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = place_in_mount(line, own, out, size) && access(out, F_OK) == 0;
	if (f != NULL)
		(void)fclose(f);
	return found ? 0 : err_set(err, "control groups of version 2 are not mounted");
}

static bool is_marked(const char *path, const char *name)
{
	char value[8] = "";

	return getxattr(path, name, value, sizeof(value) - 1) > 0 && strcmp(value, "1") == 0;
}

bool cgroup_is_delegated(const char *path)
{
	char parent[PATH_MAX];
	struct stat own, above;

	if (is_marked(path, "user.delegate") || is_marked(path, "trusted.delegate"))
		return true;
	/* systemd before version 251 leaves a mark that only root can read */
	(void)snprintf(parent, sizeof(parent), "%s/..", path);
	return geteuid() != 0 && stat(path, &own) == 0 && stat(parent, &above) == 0 && own.st_uid == geteuid() &&
	       above.st_uid != geteuid();
}

/* ---- files ---- */

int cgroup_make(int dir, const char *name, bool *made_out, struct err *err)
{
	bool made = mkdirat(dir, name, 0755) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return err_sys(err, "cannot make the control group %s", name);
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open the control group %s", name);
	if (made_out != NULL)
		*made_out = made;
	return fd;
}

int cgroup_write(int dir, const char *file, const char *text, struct err *err)
{
	/* not to wait until the kernel has taken memory back (memory.max, Linux >= 6.16) */
	int fd = openat(dir, file, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot open %s of the control group", file);
	n = write(fd, text, strlen(text));
	fd_close(&fd);
	return n >= 0 ? 0 : err_sys(err, "cannot write \"%s\" to %s of the control group", text, file);
}

int cgroup_write_limit(int dir, const char *file, int64_t number, struct err *err)
{
	char text[32] = "max";

	if (number > 0)
		(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	return cgroup_write(dir, file, text, err);
}

ssize_t cgroup_read(int dir, const char *file, char *out, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out[0] = '\0';
	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	fd_close(&fd);
	return n;
}

int64_t cgroup_number(int dir, const char *file)
{
	char text[32];
	int64_t number;

	if (cgroup_read(dir, file, text, sizeof(text)) <= 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return parse_integer(text, &number, NULL) == 0 ? number : -1;
}

bool cgroup_has_word(int dir, const char *file, const char *word)
{
	char text[1024], *rest = text, *next;

	if (cgroup_read(dir, file, text, sizeof(text)) <= 0)
		return false;
	while ((next = strsep(&rest, " \n")) != NULL)
		if (strcmp(next, word) == 0)
			return true;
	return false;
}

int64_t cgroup_event(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoll(line + len + 1, NULL, 10);
	}
	return -1;
}

bool cgroup_end(int dir, const char *name)
{
	int group;

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	group = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (group < 0)
		return errno == ENOENT;
	(void)cgroup_write(group, "cgroup.kill", "1", NULL);
	fd_close(&group);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}
