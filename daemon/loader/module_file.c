/* SPDX-License-Identifier: MIT */
#include "loader/module_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

#define LINKS_MOST 40 /* as many as the kernel follows */

/* -1 and *err if another user could change what is at PATH. */
static int check_owner(const char *path, const struct stat *st, struct err *err)
{
	/* in a sticky folder nobody can replace a file of another user */
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, "%s belongs to the user %u, who could change it; it must belong to root%s", path,
			       (unsigned)st->st_uid, geteuid() != 0 ? ", or to the user that preforkd runs as" : "");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky && !S_ISLNK(st->st_mode))
		return err_set(err, "%s can be written by %s (mode %04o); only its owner may", path,
			       (st->st_mode & S_IWOTH) != 0 ? "everybody" : "its group", (unsigned)st->st_mode & 07777);
	return 0;
}

/* Follows the symbolic link PATH, whose last name begins at BEGIN: PATH becomes the target of the link, followed by
 * REST. *AT is where the walk continues. -1 and errno. */
static int follow_link(char path[PATH_MAX], size_t begin, const char *rest, size_t *at)
{
	char to[PATH_MAX], more[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);
	int size;

	if (n < 0)
		return -1;
	to[n] = '\0';
	(void)snprintf(more, sizeof(more), "%s", rest);
	*at = to[0] == '/' ? 0 : begin;
	size = snprintf(path + *at, PATH_MAX - *at, "%s%s%s", to, more[0] != '\0' ? "/" : "", more);
	if (size >= 0 && (size_t)size < PATH_MAX - *at)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/*
 * Checks every folder and every symbolic link on the way to PATH, from the root down, and PATH itself. In this order,
 * because nobody else can change any more what was checked already. Afterwards PATH has no links in it.
 */
static int walk_down(char path[PATH_MAX], struct stat *st, struct err *err)
{
	size_t at = 0, begin, end;
	int links = 0;
	bool last;

	if (lstat("/", st) < 0)
		return err_sys(err, "/");
	if (check_owner("/", st, err) < 0)
		return -1;
	while (begin = at + strspn(path + at, "/"), path[begin] != '\0') {
		end = begin + strcspn(path + begin, "/");
		last = path[end] == '\0';
		path[end] = '\0';
		if (lstat(path, st) < 0)
			return err_set(err, "%s", strerror(errno));
		if (check_owner(path, st, err) < 0)
			return -1;
		if (!S_ISLNK(st->st_mode)) {
			path[end] = last ? '\0' : '/';
			at = end;
			continue;
		}
		if (++links > LINKS_MOST)
			return err_set(err, "%s", strerror(ELOOP));
		if (follow_link(path, begin, last ? "" : path + end + 1, &at) < 0)
			return err_set(err, "%s", strerror(errno));
	}
	return 0;
}

int module_file_open(const char *path, off_t *size_out, struct err *err)
{
	char real[PATH_MAX];
	struct statvfs fs;
	struct stat st;
	int fd;

	if ((size_t)snprintf(real, sizeof(real), "%s", path) >= sizeof(real))
		return err_set(err, "the name is too long");
	if (walk_down(real, &st, err) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return err_set(err, "not a file");
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fd_close(&fd);
		return err_set(err, "not a file");
	}
	/* checked by hand: the copy in memory is not subject to noexec */
	if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0) {
		fd_close(&fd);
		return err_set(err, "it is on a file system from which nothing may be run (noexec)");
	}
	*size_out = st.st_size;
	return fd;
}
