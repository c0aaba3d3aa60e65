/* SPDX-License-Identifier: MIT */
#include "base/empty_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fds.h"

#define NAME_TRIES 8192 /* names for a folder that moves up; a client's program may have made some of them */

struct emptying {
	int top;
	dev_t device;
	size_t left; /* files that may still be removed */
	unsigned number;
	int failure; /* errno of the last file that could not be removed; 0: none */
};

/* A stream of its own, from the start of the folder; FD stays the caller's. */
static DIR *open_again(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;

	if (folder == NULL)
		fd_close(&copy);
	return folder;
}

/* -1 with errno: it is no folder that may be entered. A folder of mode 000 gets another mode first; should another
 * process put a link in its place meanwhile, chmod(2) follows that, with no more rights than that process has. */
static int open_inner(const struct emptying *e, int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);
	struct stat info;

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, S_IRWXU, 0) == 0)
		fd = openat(parent, name, flags);
	if (fd < 0)
		return -1;
	if (fstat(fd, &info) == 0 && info.st_dev == e->device) {
		(void)!fchmod(fd, S_IRWXU);
		return fd;
	}
	fd_close(&fd);
	errno = EXDEV;
	return -1;
}

/* False with errno: it is a folder that is not empty, or it cannot be removed. */
static bool remove_one(struct emptying *e, int parent, const char *name)
{
	if (e->left == 0) {
		errno = EFBIG;
		return false;
	}
	e->left--;
	return unlinkat(parent, name, 0) == 0 || errno == ENOENT ||
	       ((errno == EISDIR || errno == EPERM) && unlinkat(parent, name, AT_REMOVEDIR) == 0);
}

/* Moves a folder that is not empty up into the top one, which a later round empties. */
static bool move_up(struct emptying *e, int parent, const char *name)
{
	char fresh[32];

	/* the move changes "..", for which the folder must be writable; renameat(2) follows no link */
	(void)!fchmodat(parent, name, S_IRWXU, 0);
	for (int i = 0; i < NAME_TRIES; i++) {
		(void)snprintf(fresh, sizeof(fresh), ".removing-%u", e->number++);
		if (renameat2(parent, name, e->top, fresh, RENAME_NOREPLACE) == 0)
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Empties one folder, whose folders that are not empty move up. */
static void clear_inner(struct emptying *e, int fd)
{
	DIR *folder = open_again(fd);
	const struct dirent *entry;

	if (folder == NULL) {
		e->failure = errno;
		return;
	}
	while ((entry = readdir(folder)) != NULL && e->left > 0) {
		if (is_dot(entry->d_name) || remove_one(e, fd, entry->d_name))
			continue;
		if (errno != ENOTEMPTY || !move_up(e, fd, entry->d_name))
			e->failure = errno;
	}
	(void)closedir(folder);
}

static bool remove_from_top(struct emptying *e, const char *name)
{
	int fd;

	if (remove_one(e, e->top, name))
		return true;
	if (errno != ENOTEMPTY)
		return false;
	fd = open_inner(e, e->top, name);
	if (fd < 0)
		return false;
	clear_inner(e, fd);
	fd_close(&fd);
	return unlinkat(e->top, name, AT_REMOVEDIR) == 0;
}

/* One round over the top folder. Returns whether it has removed something, and in *ANY_OUT whether something was there.
 */
static bool empty_once(struct emptying *e, bool *any_out)
{
	DIR *folder = open_again(e->top);
	const struct dirent *entry;
	bool removed = false;

	*any_out = folder == NULL;
	if (folder == NULL) {
		e->failure = errno;
		return false;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (is_dot(entry->d_name))
			continue;
		*any_out = true;
		if (remove_from_top(e, entry->d_name))
			removed = true;
		else
			e->failure = errno;
	}
	(void)closedir(folder);
	return removed;
}

int empty_folder(int fd, size_t most)
{
	struct emptying e = {.top = fd, .left = most};
	struct stat info;
	bool any;

	if (fstat(fd, &info) < 0)
		return -1;
	e.device = info.st_dev;
	while (empty_once(&e, &any))
		;
	if (!any)
		return 0;
	errno = e.failure;
	return -1;
}
