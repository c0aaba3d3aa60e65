/* SPDX-License-Identifier: MIT */
#include "base/path_trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define LINKS_MOST 40 /* as many as the kernel follows */

static int fail_with(int code, struct err *err)
{
	(void)err_set(err, "%s", strerror(code));
	err->code = code;
	return -1;
}

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
		return fail_with(errno, err);
	if (check_owner("/", st, err) < 0)
		return -1;
	while (begin = at + strspn(path + at, "/"), path[begin] != '\0') {
		end = begin + strcspn(path + begin, "/");
		last = path[end] == '\0';
		path[end] = '\0';
		if (lstat(path, st) < 0)
			return fail_with(errno, err);
		/* a device, a pipe or a socket is of no use to the caller */
		if ((S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode)) &&
		    check_owner(path, st, err) < 0)
			return -1;
		if (!S_ISLNK(st->st_mode)) {
			path[end] = last ? '\0' : '/';
			at = end;
			continue;
		}
		if (++links > LINKS_MOST)
			return fail_with(ELOOP, err);
		if (follow_link(path, begin, last ? "" : path + end + 1, &at) < 0)
			return fail_with(errno, err);
	}
	return 0;
}

int path_trust(const char *path, char real_out[PATH_MAX], struct stat *st_out, struct err *err)
{
	char folder[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(folder, sizeof(folder)) == NULL)
		return fail_with(errno, err);
	if (snprintf(real_out, PATH_MAX, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", path) >= PATH_MAX)
		return fail_with(ENAMETOOLONG, err);
	return walk_down(real_out, st_out, err);
}
