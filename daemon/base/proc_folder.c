/* SPDX-License-Identifier: MIT */
#include "base/proc_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

static int kept = -1;

int proc_folder_keep(struct err *err)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open /proc");
	fd = fd_above_stdio(fd, err);
	if (fd < 0)
		return -1;
	fd_close(&kept);
	kept = fd;
	return 0;
}

int proc_folder_keep_apart(void)
{
	int fd = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	fd = fd < 0 ? -1 : fd_above_stdio(fd, NULL);
	if (fd < 0)
		return -1;
	fd_close(&kept);
	kept = fd;
	return 0;
}

int proc_folder_open(const char *path, int flags)
{
	int folder = kept, fd, saved;

	if (folder < 0)
		folder = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	fd = openat(folder, path, flags | O_CLOEXEC);
	saved = errno;
	if (folder != kept)
		(void)close(folder);
	errno = saved;
	return fd;
}

FILE *proc_folder_stream(const char *path)
{
	int fd = proc_folder_open(path, O_RDONLY);
	FILE *stream;

	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "r");
	if (stream == NULL)
		fd_close(&fd);
	return stream;
}
