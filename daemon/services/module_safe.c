/* SPDX-License-Identifier: MIT */
/* The code in a module runs as the master, so whoever can change the file, or put another in its place, is the master. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "services/module.h"

static int check(const char *path, const struct stat *st, struct err *err)
{
	/* in a sticky folder nobody can replace what belongs to others */
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, "%s belongs to the user %u, who could change it; it must belong to root%s",
			       path, (unsigned)st->st_uid, geteuid() != 0 ? ", or to who preforkd runs as" : "");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
		return err_set(err, "%s can be written by %s (mode %04o); only its owner may", path,
			       (st->st_mode & S_IWOTH) != 0 ? "everybody" : "its group",
			       (unsigned)st->st_mode & 07777);
	return 0;
}

/* PATH is free of links; it and every folder above it, down from the root: what was looked at cannot be
 * changed by others any more. */
static int check_all(const char *path, struct err *err)
{
	char part[PATH_MAX];
	struct stat st;

	for (size_t i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (i > 1 && part[1] == '\0')
			return 0; /* "/" alone */
		if (lstat(part, &st) < 0)
			return err_sys(err, "%s", part);
		if (check(part, &st, err) < 0)
			return -1;
		if (path[i] == '\0')
			return 0;
	}
}

int module_safe_open(const char *path, off_t *size_out, struct err *err)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(folder))
		return err_set(err, "the name is too long");
	/* where the name is, which may be a link, and where it leads */
	memcpy(real, path, (size_t)(slash - path) + 1);
	real[slash - path + 1] = '\0';
	if (realpath(real, folder) == NULL || realpath(path, real) == NULL)
		return err_set(err, "%s", strerror(errno));
	if (stat("/", &st) < 0)
		return err_sys(err, "/");
	if (check("/", &st, err) < 0 || check_all(folder, err) < 0 || check_all(real, err) < 0)
		return -1;
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fd_close(&fd);
		return err_set(err, "not a file");
	}
	*size_out = st.st_size;
	return fd;
}
